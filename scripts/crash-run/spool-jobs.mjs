import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rest, seeded, startRig, watch } from './rig.mjs';

const PRODUCER = fileURLToPath(new URL('producer.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url));
/** Producers side by side, each behind a network of its own; the last one has a small disk. */
const SLOTS = 4;
const SMALL_DISK = '32k';

/**
 * The server goes away under producers that enqueue, and they are killed: while jobs go to the disk, while they come back from it, and while
 * the disk is full. What was acknowledged is there, and once.
 */
export async function spoolJobs({ kills, seed, perSecond = 500 }) {
  const rig = await startRig({ leaseMs: 1_500 });
  const root = mkdtempSync(join(tmpdir(), 'spool-run-'));
  const run = { kills: 0, acknowledged: new Map(), counts: {}, rig, random: seeded(seed) };
  const disk = smallDisk(join(root, 'small'));
  const folders = Array.from({ length: SLOTS }, (_, slot) =>
    disk && slot === SLOTS - 1 ? disk : join(root, 'shared'),
  );
  try {
    rig.fleet.grow(1);
    const startedAt = Date.now();
    const pace = perSecond / SLOTS;
    const tell = setInterval(() => console.log(`spool: ${run.kills} kills, ${run.acknowledged.size} acknowledged`), 30_000); // prettier-ignore
    await Promise.all(folders.map((folder, slot) => lives(run, { folder, slot, kills, pace })));
    clearInterval(tell);
    // Long enough for the last ones to count as dead.
    await rest(16_000);
    for (const folder of new Set(folders)) replay(rig.server.url, folder);
    const live = async () => (await rig.query('select count(*)::int as n from simple_queue.job'))[0].n; // prettier-ignore
    await watch('spool', { tell: live, done: (count) => count === 0, maxMs: 600_000 });
    return await report(run, { seconds: Math.round((Date.now() - startedAt) / 1_000), disk });
  } finally {
    await rig.stop();
    if (disk) execFileSync('umount', [disk]);
    rmSync(root, { recursive: true, force: true });
  }
}

/** One life after the other: ready, the server away, back or not, killed. */
async function lives(run, { folder, slot, kills, pace }) {
  const network = await openNetwork(run.rig.server.url);
  for (let life = 0; run.kills < kills; life++) {
    await network.pass();
    const env = { DATABASE: network.url, FOLDER: folder, LIFE: `${slot}.${life}`, PER_SECOND: String(pace) }; // prettier-ignore
    const child = spawn(process.execPath, [PRODUCER], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = createInterface({ input: child.stdout });
    const ready = new Promise((resolve) =>
      said.on('line', (line) => line === 'ready' && resolve()),
    );
    said.on('line', (line) => hear(run, line));
    const ended = Promise.all([once(child, 'exit'), once(said, 'close')]);
    await Promise.race([ready, ended]);
    await rest(100 * run.random());
    network.cut();
    await rest(100 + 500 * run.random());
    if (run.random() < 0.4) {
      await network.pass();
      await rest(600 * run.random());
    }
    child.kill('SIGKILL');
    run.kills++;
    await ended;
  }
  await network.close();
}

function hear({ acknowledged, counts }, line) {
  const [what, id, key] = line.split(' ');
  if (what === 'ready') return;
  const name = what === 'failed' ? `failed: ${key}` : what;
  counts[name] = (counts[name] ?? 0) + 1;
  if (what !== 'failed') acknowledged.set(id, key);
}

function replay(url, folder) {
  const argv = [CLI, '--url', url, 'spool', 'replay', folder, '--aside', '--yes'];
  console.log(execFileSync(process.execPath, argv, { encoding: 'utf8' }).trim());
}

async function report({ rig, acknowledged, counts, kills }, { seconds, disk }) {
  const rows = await rig.query(`select id, payload->>'key' as key from simple_queue.jobs`);
  const stored = new Map(rows.map(({ id, key }) => [id, key]));
  const missing = [...acknowledged].filter(([id, key]) => stored.get(id) !== key).length;
  const keys = rows.map(({ key }) => key).filter(Boolean);
  const doubled = keys.length - new Set(keys).size;
  const [{ twice }] = await rig.query('select (count(*) - count(distinct job))::int as twice from effect'); // prettier-ignore
  const figures = {
    ...{ kills, acknowledged: acknowledged.size, ...counts, seconds },
    'small disk': disk ? SMALL_DISK : 'none: it needs root',
    'acknowledged and missing': missing,
    'stored twice': doubled,
    'done twice': twice,
  };
  const broken = [
    ...(missing > 0 ? ['what was acknowledged is there'] : []),
    ...(doubled + twice > 0 ? ['each job is there once, and is done once'] : []),
  ];
  return { title: 'Producers killed without a server', figures, broken };
}

/** Only root may make one. */
function smallDisk(folder) {
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK}`, 'none', folder]);
    return folder;
  } catch {
    return undefined;
  }
}

/** Between a producer and the server: passes, or is cut. */
async function openNetwork(url) {
  const target = new URL(url);
  const sockets = new Set();
  let server;
  let port = 0;
  const accept = (client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => (sockets.delete(one), other.destroy()));
    }
  };
  const cut = () => {
    server?.close();
    server = undefined;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const pass = async () => {
    if (server) return;
    server = createServer(accept).listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address());
  };
  await pass();
  const through = Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href;
  return { url: through, pass, cut, close: async () => cut() };
}
