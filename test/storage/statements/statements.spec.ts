import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Statement } from '../../../lib/storage/connection/statement.js';
import { allStatements } from '../../support/statements.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

/** Statements that are not for one shard, and why; those without a name, which are never prepared, by that of their constant. */
const NOT_FOR_ONE_SHARD: Record<string, string> = {
  register_queues: 'the registry is a reference table, written once a queue',
  register_lanes: 'the registry is a reference table, written once a lane',
  pause_queue: 'the registry is a reference table, written by an operator',
  resume_all: 'the registry is a reference table, written by a test',
  notify: 'NOTIFY is a hint of its own connection',
  enqueue_one_and_notify: 'its NOTIFY is a hint of its own connection',
  enqueue_one_and_notify_bare: 'as above',
  TRY_MIGRATION_LOCK: 'an advisory lock around DDL, held by one connection',
  try_partition_lock: 'an advisory lock around DDL, held by one connection',
  lock_lanes: 'advisory locks of the registry, which is one for all shards',
  lock_keys: 'advisory locks of one transaction, on the server that it runs on',
  lock_outcomes: 'an advisory lock of one transaction, on the server that it runs on',
  lock_seen: 'an advisory lock of one transaction, on the server that it runs on',
  declare_outcomes: 'the registry is one for all shards',
  take_lease: 'its word on ends goes to the registry, which is one for all shards',
  serve_lanes: 'as take_lease',
  note_purged: 'the registry is one for all shards',
  note_served_lanes: 'the registry is one for all shards',
  note_pulled_lanes: 'the registry is one for all shards',
  note_unused_lanes: 'the registry is one for all shards',
  remove_unused_lanes: 'the registry is one for all shards',
  lock_all_keys: 'an advisory lock of one transaction, on the server that it runs on',
  sum_up_workers: 'an advisory lock of one transaction, on the server that it runs on',
  sum_up_minutes: 'an advisory lock of one transaction, on the server that it runs on',
  lock_pending: 'an advisory lock of one transaction, on the server that it runs on',
  enqueue_held: 'the lock of a group, which lives in one shard',
  draw_turns: 'the locks of groups, each of which lives in one shard',
  take_vacant: 'the locks of groups, each of which lives in one shard',
  await_group: 'the lock of a group, which lives in one shard',
  find_stuck: 'the locks of groups, each of which lives in one shard',
  lock_groups_of: 'the locks of groups, each of which lives in one shard',
  revive: 'the locks of groups, each of which lives in one shard',
};

/** Indexes whose first column is neither id nor lane, and why. */
const LED_OTHERWISE: Record<string, string> = {
  job_unique_key: 'found by key',
  job_fingerprint: 'found by tag',
  job_workflow: 'found by workflow; an expression over the options',
  job_group: 'found by group',
  job_staged: 'found by time',
  head_pkey: 'found by group',
  dead_letter_poisoned: 'holds only what was poisoned; listed by time',
  dead_letter_ended: 'the rest, listed by time',
  head_halts: 'holds only groups that halt their queue',
  head_dead: 'holds only groups that a dead job blocks; listed by time',
  head_until: 'the same, ended by time',
  vacant_pkey: 'found by queue',
  lease_worker: 'found by worker',
  blocked_pkey: 'found by group',
  job_cancel: 'holds only jobs that were asked to stop',
  scheduled_pkey: 'found by time',
  fleet_limit_pkey: 'found by name',
  allotment_pkey: 'found by name',
  keyed_pkey: 'found by key',
  permit_slot: 'found by key',
  key_change_pkey: 'found by time',
  key_bucket_pkey: 'found by key',
  key_bucket_full: 'purged by time',
  throttle_pkey: 'found by key',
  headroom_pkey: 'found by queue',
  throttle_end: 'purged by time',
  given_id_noted: 'purged by time',
  operator_action_at: 'listed and purged by time',
  schedule_pkey: 'found by name',
  schedule_next: 'found by time',
  schedule_waiting: 'holds only schedules of which ticks wait',
  tick_pkey: 'found by schedule',
  tick_made: 'purged by time',
  tick_waiting: 'holds only ticks that wait',
  workflow_unique_key: 'found by key',
  workflow_deadline: 'found by time',
  workflow_expiry: 'purged by time',
  stage_pkey: 'found by workflow',
  undo_pkey: 'found by workflow',
  edge_pkey: 'found by workflow',
  step_stage: 'found by workflow',
  draft_stage: 'found by workflow',
  arrival_pkey: 'taken by kind',
  archive_default_expiry: 'purged by time',
  dead_letter_default_expiry: 'purged by time',
  tally_default_expiry: 'purged by time',
  tally_time: 'found by time',
  tally_processes: 'holds only what is to be summed up; found by time',
  tally_minutes: 'the same',
  archive_fingerprint: 'found by tag',
  archive_unique_key: 'found by key',
  dead_letter_fingerprint: 'found by tag',
  dead_letter_unique_key: 'found by key',
  dead_letter_error: 'found by error key',
};

/** Statements that draw numbers or begin a life at random, and why. */
const DRAWING: Record<string, string> = {
  enqueue: 'where the epochs of a job begin, for an insert alone',
  enqueue_held: 'the same, and the order within a group',
  draw_turns: 'the same, ahead of several inserts; changes no row',
  revive: 'the same, for jobs that come back',
  ...Object.fromEntries(
    [
      'bury',
      'cancel',
      'complete_outcomes',
      'complete_adding',
      'expire_staged',
      'fail_dependents',
      'reap_claims',
      'set_apart',
      'settle_outcomes',
    ].map((name) => [name, 'ids of the jobs that say how others have ended, for an insert alone']),
  ),
  settle_steps:
    'the order in which compensations run, under the lock of the workflow, for an insert alone',
  take_ends: 'the same',
  hand_permits: 'slots of keys without a limit on how many run at once, for an insert alone',
};

const REGISTRIES = ['queue', 'lane', 'outcome', 'version', 'migration'];
const VOLATILE =
  /\b(random|clock_timestamp|timeofday|gen_random_uuid|uuid_generate_\w+|nextval|setval|currval|txid_current|pg_current_xact_id)\s*\(/;
/** What is set for the transaction alone stays in no session. */
const SESSION =
  /\b(set_config(?!\('\w+', '\w+', true\))|pg_advisory_lock|create temp|listen |prepare |set session)/;

const drawn = (name: string, text: string): string =>
  name in DRAWING ? text.replaceAll(/\b(nextval|gen_random_uuid)\(/g, '(') : text;

/** The query around `at`: out to the parentheses that enclose it, without what is in parentheses itself. */
function queryAround(text: string, at: number): string {
  let [from, depth] = [at, 0];
  while (from > 0 && depth >= 0) depth += { '(': -1, ')': 1 }[text[--from]!] ?? 0;
  let to = at;
  for (depth = 0; to < text.length && depth >= 0; to++)
    depth += { '(': 1, ')': -1 }[text[to]!] ?? 0;
  let query = text.slice(from, to).replace(/^\(/, '').replace(/\)$/, '');
  for (let before = ''; before !== query;)
    [before, query] = [query, query.replaceAll(/\([^()]*\)/g, '')];
  return query;
}

const partsOf = (text: string, what: RegExp): string[] =>
  [...text.matchAll(what)].map((match) => queryAround(text, match.index));

describe('the statements', () => {
  let statements: [string, Statement][];

  beforeAll(async () => void (statements = await allStatements()));

  const breaches = (rule: (statement: Statement) => boolean) =>
    statements.filter(([name, statement]) => rule({ ...statement, name })).map(([name]) => name);

  it('are all read', () => {
    expect(statements.length).toBeGreaterThanOrEqual(30);
    expect(statements.map(([name]) => name)).toEqual(
      expect.arrayContaining(Object.keys(NOT_FOR_ONE_SHARD)),
    );
  });

  it('have names of their own that fit a prepared statement', () => {
    const names = statements.map(([, { name }]) => name).filter((name) => name !== '');
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z][a-z_]{0,56}$/.test(name))).toEqual([]);
  });

  it('name the schema of every table, so that another schema is a matter of text', () => {
    const unnamed =
      /\b(from|into|update|join)\s+(job|ready|scheduled|suspect|claim|lease|lane|queue|throttle|archive|dead_letter)\b/;
    // A CTE may be called like a table.
    expect(
      breaches(({ text }) =>
        unnamed.test(text.replaceAll(/\bfrom (scheduled|claim|suspect)\b(?=\s*[,)])/g, '')),
      ),
    ).toEqual([]);
  });

  it('give the shard wherever they delete or update', () => {
    // The record of migrations belongs to no shard.
    const writes = /\b(delete from|update) simple_queue\.(?!migration\b)(\w+)/g;
    const bad = ({ name, text }: Statement) =>
      !(name in NOT_FOR_ONE_SHARD) &&
      partsOf(text, writes).some((part) => !/\bshard = \$\d+/.test(part));
    expect(breaches(bad)).toEqual([]);
  });

  it('give the shard wherever they lock', () => {
    const locks = /\bfor (no key )?update\b/g;
    const bad = ({ name, text }: Statement) =>
      !(name in NOT_FOR_ONE_SHARD) &&
      partsOf(text, locks).some((part) => !/\bshard = \$\d+/.test(part));
    expect(breaches(bad)).toEqual([]);
  });

  it('store the shard wherever they insert', () => {
    const inserts = /insert into simple_queue\.(\w+) \(([^)]*)\)/g;
    const bad = ({ name, text }: Statement) =>
      !(name in NOT_FOR_ONE_SHARD) &&
      [...text.matchAll(inserts)].some((match) => !/\bshard\b/.test(match[2]!));
    expect(breaches(bad)).toEqual([]);
  });

  it('take no part in the whole cluster but for the documented few', () => {
    const global =
      /pg_notify|advisory|set local|(insert into|update|delete from) simple_queue\.(queue|lane|outcome) /;
    expect(breaches(({ text }) => global.test(text)).toSorted()).toEqual(
      Object.keys(NOT_FOR_ONE_SHARD).toSorted(),
    );
  });

  it('call nothing volatile and keep no state in the session', () => {
    expect(
      breaches(({ name, text }) => VOLATILE.test(drawn(name, text)) || SESSION.test(text)),
    ).toEqual([]);
  });

  it('join nothing to a delete: a planner that believes a table small would walk it whole', () => {
    expect(breaches(({ text }) => /\bdelete from [^()]* using\b/.test(text))).toEqual([]);
  });

  it('order by no name that is also that of a column as text, which would be sorted as text', () => {
    const asText = /\bselect (\w+)::text,? [^()]*\border by \1\b/;
    expect(breaches(({ text }) => asText.test(text.replaceAll(/\s+/g, ' ')))).toEqual([]);
  });

  it('read tables of this schema alone', () => {
    expect(breaches(({ text }) => /\b(public|pg_temp)\./.test(text))).toEqual([]);
  });

  it('bound what they lock: each search for rows to change has a limit, or a list that the caller bounds', () => {
    const skipping = (text: string) => partsOf(text, /\bskip locked\b/g);
    const bounded = (part: string) => /\blimit\b|\bid = u\.id\b|\bid = any\b/.test(part);
    expect(breaches(({ text }) => skipping(text).some((part) => !bounded(part)))).toEqual([]);
  });
});

describe('the schema', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  afterAll(() => test.close());

  it('has id or lane in front of every key, and the shard second, but for the documented few', async () => {
    const indexes = await test.database.query<{ table: string; index: string; columns: string[] }>(
      `select t.relname as table, i.relname as index, array(
         select coalesce(a.attname::text, 'an expression') from unnest(x.indkey) with ordinality k(n, o) left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.n and k.n > 0 order by o) as columns
       from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
       where t.relnamespace = 'simple_queue'::regnamespace and not exists (select from pg_inherits p where p.inhrelid = i.oid and not x.indisprimary)`,
    );
    const ours = indexes.filter(({ table }) => !REGISTRIES.includes(table));
    expect(ours.length).toBeGreaterThan(15);
    expect(ours.filter(({ columns }) => columns[1] !== 'shard').map(({ index }) => index)).toEqual(
      [],
    );
    const others = ours
      .filter(({ columns }) => !['id', 'lane'].includes(columns[0]!))
      .map(({ index }) => index);
    expect(others.toSorted()).toEqual(Object.keys(LED_OTHERWISE).toSorted());
  });

  it('has no triggers, no foreign keys but in the registry, and one function: that for SQL producers', async () => {
    const foreign = await test.database.query<{ table: string }>(
      `select conrelid::regclass::text as table from pg_constraint where contype = 'f' and connamespace = 'simple_queue'::regnamespace`,
    );
    expect(foreign).toEqual([{ table: 'simple_queue.lane' }]);
    const functions = await test.database.query<{ name: string }>(
      `select proname as name from pg_proc where pronamespace = 'simple_queue'::regnamespace`,
    );
    expect(functions.map(({ name }) => name).toSorted()).toEqual(['enqueue']);
    const triggers = await test.database.query(
      `select from pg_trigger g join pg_class t on t.oid = g.tgrelid where t.relnamespace = 'simple_queue'::regnamespace and not tgisinternal`,
    );
    expect(triggers).toEqual([]);
  });

  it('vacuums hot tables by count and never truncates them', async () => {
    const rows = await test.database.query<{ name: string; options: string[] }>(
      `select relname as name, reloptions as options from pg_class where relnamespace = 'simple_queue'::regnamespace and relkind = 'r'
       and relname in ('job', 'ready', 'scheduled', 'suspect', 'claim', 'lease')`,
    );
    expect(rows).toHaveLength(6);
    for (const { options } of rows)
      expect(options).toEqual(
        expect.arrayContaining(['vacuum_truncate=off', 'autovacuum_vacuum_scale_factor=0']),
      );
  });
});
