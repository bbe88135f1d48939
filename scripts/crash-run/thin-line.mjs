import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { killAtRandom } from './kill-workers.mjs';
import { rest, seeded, startRig, watch } from './rig.mjs';

const WORKERS = 3;
const KB = 1_000;
/** All connections share it, each way, a packet of each in turn. */
const PER_SECOND = 500 * KB;
const PACKET = 8 * KB;

/** Large payloads over a thin line while workers are killed: what a process had fetched for its jobs is fetched again. */
export async function thinLine({ jobs, bytes, kills, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  const line = await openLine(rig.server.url);
  rig.fleet.env.DATABASE = line.url;
  try {
    for (let n = 0; n < jobs; n++)
      await rig.queues.enqueue('ledger', { n, filler: heavy(n % 3 ? bytes : bytes / 10) });
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, kills, seeded(seed), 4_000);
    const live = async () =>
      (await rig.query('select count(*)::int as n from simple_queue.job'))[0].n;
    const seconds = await watch('thin line', {
      tell: live,
      done: (count) => count === 0,
      maxMs: 600_000,
    });
    rig.fleet.enough = true;
    await killing;
    return await report(rig, { jobs, line, seconds });
  } finally {
    await rig.stop();
    line.close();
  }
}

/** Nobody can press it together. */
const heavy = (bytes) => randomBytes(Math.floor(bytes * 0.75)).toString('base64');

async function report({ query, fleet }, { jobs, line, seconds }) {
  const [effects] = await query(
    'select count(*)::int as rows, count(distinct job)::int as jobs from effect',
  );
  const [{ starts }] = await query('select count(*)::int as starts from start');
  const figures = {
    jobs,
    'worker processes killed': fleet.deaths,
    seconds: Math.round(seconds),
    'megabytes to the workers': Math.round(line.down.bytes / KB / KB),
    'starts beyond one a job': starts - jobs,
    lost: jobs - effects.jobs,
    'effects done twice': effects.rows - effects.jobs,
  };
  const broken = ['lost', 'effects done twice'].filter((name) => figures[name] !== 0);
  return { title: 'Large payloads over a thin line', figures, broken };
}

/** To the server, slowly. */
async function openLine(url) {
  const target = new URL(url);
  const [up, down] = [new Way(), new Way()];
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    void up.carry(client, upstream);
    void down.carry(upstream, client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const host = `127.0.0.1:${server.address().port}`;
  return { url: Object.assign(new URL(target), { host }).href, down, close };
}

class Way {
  bytes = 0;
  #freeAt = 0;

  async carry(from, to) {
    try {
      for await (const chunk of from)
        for (let at = 0; at < chunk.length; at += PACKET) {
          const packet = chunk.subarray(at, at + PACKET);
          await this.#pass(packet.length);
          if (!to.write(packet)) await once(to, 'drain');
        }
      to.end();
    } catch {
      // Whoever spoke is gone; so is the other side.
    }
  }

  #pass(bytes) {
    this.bytes += bytes;
    this.#freeAt = Math.max(performance.now(), this.#freeAt) + (bytes / PER_SECOND) * 1_000;
    return rest(this.#freeAt - performance.now());
  }
}
