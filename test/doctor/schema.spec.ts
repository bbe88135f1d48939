import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DESCRIBE_SCHEMA } from '../../lib/storage/schema/describe-schema.sql.js';
import type { SchemaPart } from '../../lib/storage/schema/schema-drift.js';
import { ailing, aPractice, of, type Practice } from './a-doctor.js';
import { expectedSchemaText } from './expected-schema-text.js';

let practice: Practice;

beforeAll(async () => void (practice = await aPractice()));
afterAll(() => practice.close());

const run = async (...statements: string[]) => {
  for (const text of statements) await practice.database.query(text);
};

/** As they are after the break; the tables are as before afterwards. */
async function broken(breaks: string[], repairs: string[]): Promise<string[]> {
  await run(...breaks);
  const findings = await practice.ask('SCHEMA_DRIFT');
  await run(...repairs);
  expect(await practice.ask('SCHEMA_DRIFT')).toMatchObject([{ level: 'ok' }]);
  return findings.map(({ level, found }) => `${level}: ${found}`);
}

it('knows what the migrations make: else run test/doctor/write-expected-schema.mjs', async () => {
  const parts = await practice.database.query<SchemaPart & Record<string, unknown>>(
    DESCRIBE_SCHEMA.text,
    ['simple_queue'],
  );
  expect(expectedSchemaText(parts).split('\n').sort()).toEqual(
    readFileSync('migrations/expected-schema.ts', 'utf8').split('\n').sort(),
  );
});

it('names tables, columns and indexes that are missing', async () => {
  const found = await broken(
    [
      'alter table simple_queue.throttle rename to lost',
      'drop index simple_queue.job_fingerprint',
      'alter table simple_queue.lapsed drop column lapsed_at',
      'alter domain simple_queue.epoch drop constraint epoch_check',
    ],
    [
      'alter table simple_queue.lost rename to throttle',
      'create index job_fingerprint on simple_queue.job (fingerprint, shard, id) where fingerprint is not null',
      'alter table simple_queue.lapsed add column lapsed_at simple_queue.moment not null default statement_timestamp()',
      'alter domain simple_queue.epoch add constraint epoch_check check (value between 0 and 2147000000)',
    ],
  );
  expect(found[0]).toBe(
    'critical: Missing: column lapsed.lapsed_at moment not null default statement_timestamp(), ' +
      'index job.job_fingerprint (fingerprint, shard, id) WHERE (fingerprint IS NOT NULL), table throttle plain.',
  );
  expect(found[1]).toBe(
    'warning: Missing: domain epoch.epoch_check integer CHECK (((VALUE >= 0) AND (VALUE <= 2147000000))).',
  );
  expect(found).toHaveLength(2);
});

it('names tables that a crash would empty, and those whose rows are hidden', async () => {
  const found = await broken(
    [
      'alter table simple_queue.throttle set unlogged',
      'alter table simple_queue.ready enable row level security',
      'alter table simple_queue.head force row level security',
      'create rule away as on insert to simple_queue.staged do instead nothing',
    ],
    [
      'alter table simple_queue.throttle set logged',
      'alter table simple_queue.ready disable row level security',
      'alter table simple_queue.head no force row level security',
      'drop rule away on simple_queue.staged',
    ],
  );
  expect(found).toEqual([
    'critical: Changed: table head is plain with row level security and should be plain, ' +
      'table ready is plain with row level security and should be plain, table throttle is plain unlogged and should be plain.',
    'warning: Not of the migrations: trigger staged.away (rule).',
  ]);
});

it('names what was changed, as it is and as it should be', async () => {
  const found = await broken(
    [
      'alter table simple_queue.lapsed alter column lapsed_at drop not null',
      'alter table simple_queue.ready set (autovacuum_vacuum_threshold = 50)',
      'drop index simple_queue.job_workflow',
      'create index job_workflow on simple_queue.job (id)',
    ],
    [
      'alter table simple_queue.lapsed alter column lapsed_at set not null',
      'alter table simple_queue.ready set (autovacuum_vacuum_threshold = 10000)',
      'drop index simple_queue.job_workflow',
      `create index job_workflow on simple_queue.job ((options ->> 'workflowId'), shard) where options ->> 'workflowId' is not null`,
    ],
  );
  expect(found[0]).toMatch(
    /^critical: Changed: column lapsed\.lapsed_at is moment .* and should be .*, index job\.job_workflow is \(id\) and should be /,
  );
  expect(found[1]).toBe(
    'warning: Changed: parameter ready.autovacuum_vacuum_threshold is 50 and should be 10000.',
  );
});

it('names indexes that a broken build has left, and what others have added', async () => {
  await run(`insert into simple_queue.vacant values ('a', 0, 1), ('b', 0, 1)`);
  await expect(
    run('create unique index concurrently half on simple_queue.vacant (queue)'),
  ).rejects.toThrow();
  const found = await broken(
    [
      'create index theirs on simple_queue.ready (run_at)',
      `create function public.nothing() returns trigger language plpgsql as 'begin return new; end'`,
      'create trigger theirs before insert on simple_queue.job for each row execute function public.nothing()',
      'create table simple_queue.beside (id int)',
    ],
    [
      'drop index simple_queue.half, simple_queue.theirs',
      'drop trigger theirs on simple_queue.job',
      'drop function public.nothing()',
      'drop table simple_queue.beside',
      'delete from simple_queue.vacant',
    ],
  );
  expect(found).toEqual([
    'critical: Not valid, so that no statement uses it: index vacant.half.',
    'warning: Not of the migrations: trigger job.theirs (trigger).',
    'notice: Not of the migrations: index ready.theirs.',
  ]);
});

it('compares no shape with a newer schema, and names versions that do not fit', async () => {
  await run('update simple_queue.version set version = 99', 'drop index simple_queue.job_cancel');
  const newer = await practice.doctor.examine();
  expect([of('SCHEMA', newer)[0]?.level, of('SCHEMA_DRIFT', newer)]).toEqual(['notice', []]);
  await run('update simple_queue.version set compatible_from = 99');
  expect((await practice.ask('SCHEMA'))[0]).toMatchObject({
    level: 'critical',
    advice: 'Deploy the newer release.',
  });
  await run('update simple_queue.version set version = 0, compatible_from = 0');
  expect((await practice.ask('SCHEMA'))[0]).toMatchObject({
    level: 'critical',
    advice: expect.stringContaining('createMigrations'),
  });
  await run('update simple_queue.version set version = 1, compatible_from = 1');
  await run(
    'create index job_cancel on simple_queue.job (cancel_at, shard) where cancel_at is not null',
  );
});

it('says so where there are no tables, and looks at the server all the same', async () => {
  const findings = await (await practice.another({ schema: 'elsewhere' })).examine();
  expect(of('SCHEMA', findings)).toMatchObject([
    { level: 'critical', found: 'There are no queue tables in schema "elsewhere".' },
  ]);
  expect(ailing(findings)).not.toContain('PLACES');
  expect(findings.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['POOLER', 'VACUUM', 'CLOCK']),
  );
});

it('works with a schema of any name', async () => {
  const { dataSource, storage } = await ownTables('their_queue');
  const doctor = await practice.another({ schema: 'their_queue' }, practice.database.url);
  expect(of('SCHEMA_DRIFT', await doctor.examine({ only: ['SCHEMA_DRIFT'] }))).toMatchObject([
    { level: 'ok' },
  ]);
  await storage.onApplicationShutdown();
  await dataSource.destroy();
});

async function ownTables(schema: string) {
  const { aDataSource, openStorage } = await import('../support/storage.js');
  const dataSource = await aDataSource(practice.database.url);
  return { dataSource, storage: await openStorage(dataSource, { schema }) };
}

it('names rights that are missing, and goes on with what it may see', async () => {
  await run(
    `revoke delete on simple_queue.ready from ${practice.role}_enqueue`,
    `revoke select on simple_queue.dead_letter from ${practice.role}_enqueue`,
  );
  const findings = await practice.doctor.examine();
  expect(of('RIGHTS', findings)).toMatchObject([
    { level: 'critical', found: 'This role lacks rights: dead_letter (select), ready (delete).' },
  ]);
  expect(of('POISONED_JOBS', findings)).toMatchObject([
    {
      level: 'warning',
      found:
        'Could not look at poisoned jobs: Could not run "list_troubles": permission denied for table dead_letter (SQLSTATE 42501).',
    },
  ]);
  expect(of('PLACES', findings)).toMatchObject([
    { level: 'warning', found: expect.stringContaining('"list_laneless": permission denied') },
  ]);
  await run(
    `grant delete on simple_queue.ready to ${practice.role}_enqueue`,
    `grant select on simple_queue.dead_letter to ${practice.role}_enqueue`,
  );
});

it('names a role that may not even look into the schema', async () => {
  await run(`revoke usage on schema simple_queue from ${practice.role}_enqueue`);
  const findings = await practice.doctor.examine();
  await run(`grant usage on schema simple_queue to ${practice.role}_enqueue`);
  expect(of('SCHEMA', findings)).toMatchObject([
    { level: 'critical', found: expect.stringContaining('may not read') },
  ]);
  expect(of('RIGHTS', findings)).toMatchObject([
    { level: 'critical', found: expect.stringContaining('no right to use schema') },
  ]);
});

it('names tables whose partitions a worker of this role could not make, and takes a role for what it may do where nobody says', async () => {
  const { role } = practice;
  const kinds = ['worker', 'operate', 'enqueue', 'read'];
  await run(`revoke ${role}_enqueue from ${role}`);
  const found: unknown[] = [];
  for (const kind of kinds) {
    await run(`grant ${role}_${kind} to ${role}`);
    found.push((await practice.ask('RIGHTS')).map((finding) => finding.found));
    if (kind === 'worker') found.push((await (await practice.another({ worker: { autoStart: false } })).examine({ only: ['RIGHTS'] })).map((finding) => finding.found)); // prettier-ignore
    await run(`revoke ${role}_${kind} from ${role}`);
  }
  await run(`grant ${role}_enqueue to ${role}`);
  const foreign =
    'Another role owns archive, dead_letter, tally: workers of this role cannot create or drop partitions.';
  const fine = ['operate', 'enqueue', 'read'].map((kind) => [
    `This role has the rights of its kind (${kind}).`,
  ]);
  expect(found).toEqual([[foreign], [foreign], ...fine]);
});
