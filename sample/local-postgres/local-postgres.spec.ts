import { afterEach, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { compiled } from '../../test/support/compiled.mjs';
import { eventually } from '../../test/support/eventually.js';
import { startPostgres, type LocalPostgres, type LocalPostgresOptions } from './local-postgres.ts';

const started: LocalPostgres[] = [];
const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64';

afterEach(async () => {
  for (const postgres of started.splice(0)) await postgres.stop();
});

async function aServer(options?: LocalPostgresOptions): Promise<LocalPostgres> {
  const postgres = await startPostgres(options);
  started.push(postgres);
  return postgres;
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return Object.values(
      (await client.query<Record<string, unknown>>({ text: sql })).rows[0] ?? {},
    )[0];
  } finally {
    await client.end();
  }
}

it('starts the embedded server, and leaves nothing when stopped', async () => {
  const postgres = await aServer();
  expect(postgres.version).toMatch(/^18\./);
  expect(await ask(postgres.url, 'show server_version')).toBe(postgres.version);
  await postgres.stop();
  expect(existsSync(dirname(postgres.dataDir))).toBe(false);
  await expect(ask(postgres.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

(isLinuxX64 ? it : it.skip).each(['12', '13'])('starts PostgreSQL %s from npm', async (version) => {
  const postgres = await aServer({ version });
  expect(await ask(postgres.url, 'show server_version')).toBe(postgres.version);
  expect(postgres.version.split('.')[0]).toBe(version);
});

it('says which server is missing, and what to do', async () => {
  await expect(startPostgres({ version: '3' })).rejects.toThrow(
    /No PostgreSQL 3: .* Set DATABASE_URL/,
  );
});

it.each(['fast', 'immediate'] as const)(
  'is at the same address with the same data after a %s restart',
  async (mode) => {
    const postgres = await aServer({ durable: true });
    await ask(postgres.url, 'create table kept as select 7 as n');
    await postgres.restart(mode);
    expect(await ask(postgres.url, 'select n from kept')).toBe(7);
  },
);

it('is durable only when asked to be', async () => {
  expect(await ask((await aServer()).url, 'show fsync')).toBe('off');
  expect(await ask((await aServer({ durable: true })).url, 'show fsync')).toBe('on');
});

it('keeps a persistent server for the next start', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sq-kept-'));
  const first = await aServer({ dataDir, persistent: true });
  await ask(first.url, 'create table kept as select 7 as n');
  await first.stop();
  const second = await aServer({ dataDir, persistent: true });
  expect(await ask(second.url, 'select n from kept')).toBe(7);
  await second.stop();
  rmSync(dataDir, { recursive: true });
});

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('ends with a process that gets %s', async (signal, code) => {
  const { owner, dataDir } = await anOwner();
  owner.kill(signal);
  expect(await once(owner, 'exit')).toEqual([code, null]);
  expect(existsSync(dirname(dataDir))).toBe(false);
});

it('sweeps the server of a killed process, and no other', async () => {
  const alive = await aServer();
  const { owner, dataDir, url } = await anOwner();
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  const isSwept = () => !existsSync(dirname(dataDir));
  // It runs on, unless somebody who tests beside us has started a server, which sweeps as well.
  const left = await ask(url, 'select 1').catch(() => undefined);
  if (left === undefined) await eventually(isSwept);
  else expect(left).toBe(1);
  await aServer();
  await eventually(isSwept);
  await expect(ask(url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await ask(alive.url, 'select 1')).toBe(1);
});

interface Owner {
  owner: ChildProcess;
  dataDir: string;
  url: string;
}

/** Another process that owns a server, and does nothing. */
async function anOwner(): Promise<Owner> {
  const owner = spawn(process.execPath, [compiled('sample/local-postgres/owner.fixture.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  return { owner, ...(JSON.parse(line.toString()) as { dataDir: string; url: string }) };
}
