import { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EndRepository } from '../../../lib/storage/reading/end.repository.js';
import { ProgressRepository } from '../../../lib/storage/settle/progress.repository.js';
import { CheckpointRepository } from '../../../lib/storage/settle/checkpoint.repository.js';
import { EnqueueRepository } from '../../../lib/storage/enqueue/enqueue.repository.js';
import type { NewJob } from '../../../lib/job/new-job.js';
import type { Run } from '../../../lib/storage/connection/connections.js';
import { GivenIdRepository } from '../../../lib/storage/enqueue/given-id.repository.js';
import type { ClaimRange, LaneWish } from '../../../lib/storage/claim/claim.repository.js';
import { Lanes } from '../../../lib/storage/lanes/lanes.js';
import type { Lane } from '../../../lib/job/lane.js';
import { UnusedLanesRepository } from '../../../lib/storage/lanes/unused-lanes.repository.js';
import { LeaseRepository } from '../../../lib/storage/leases/lease.repository.js';
import { PullRepository } from '../../../lib/storage/claim/pull.repository.js';
import type { Database } from '../../../lib/storage/connection/database.js';
import { COUNT_PENDING, TAKE_HEADROOM } from '../../../lib/storage/enqueue/count-pending.sql.js';
import { Uuid7 } from '../../../lib/runtime/uuid7.js';
import { explaining, withoutAutovacuum, type Cost } from '../../support/plans.js';
import { aStorage, runIn, type TestStorage } from '../../support/storage.js';

const DAY_MS = 86_400_000;
const BATCH = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const EVERYWHERE: ClaimRange = {
  priority: -32_768,
  runAt: '-infinity',
  id: FIRST_ID,
  upto: 32_767,
};
const CHECKPOINT = { text: '{}', extraAttempts: 1, maxExtraAttempts: 10 };
/** How many jobs each statement is given here. */
const JOBS: Record<string, number> = {
  ...{
    claim: BATCH,
    settle_and_claim: 2 * BATCH,
    settle_keep_and_claim: 2 * BATCH,
    put_back: 200,
    bury: 200,
    complete: 1,
    checkpoint: 1,
    progress: 100,
    claim_suspects: BATCH,
    pull_claim: 100,
    // Twenty claims by random ids: most have 100 jobs, four a whole batch.
    reap_claims: 16 * 100 + 4 * BATCH + 1_000,
    // Whichever claim is found: some are a whole batch.
    release_claims: BATCH,
  },
  ...{
    promote: 1_000,
    // PostgreSQL 13 reads a few more.
    cancel: 4_000,
    // Every tenth job has a key, and the stretch between them may be read.
    replace: 10 * BATCH,
    open_periods: BATCH,
    take_back: BATCH,
    count_pending: 30_000,
    enqueue: BATCH,
    enqueue_plain: BATCH,
    enqueue_one: 1,
    find_live_keys: BATCH,
  },
  // Each id may lie in any of some twenty partitions.
  ...{ find_kept_ids: 20 * BATCH, find_live: 20, find_job: 20, find_ends: 100, has_due: 5_000 },
  ...{ find_given: BATCH, forget_ids: BATCH, purge_given_ids: 20_000 },
};
/** Pages of a job that moves: its row, four indexes of three levels, its places, the archive. And a little for everything. */
const BLOCKS_A_JOB = 100;
const BLOCKS = 2_500;

const HOT = [
  'job',
  'ready',
  'scheduled',
  'suspect',
  'claim',
  'archive',
  'dead_letter',
  'throttle',
  'given_id',
];

type Found = { id: string; epoch: number };

/** Every statement on tables of 300,000 jobs that the planner takes for small. Filled once a state, so it is one spec. */
describe('plans on large tables', () => {
  let test: TestStorage;
  let busy: Lane;
  let idle: Lane[];
  const ids = new Uuid7();

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    await test.storage.lanes.register(
      Array.from({ length: 50 }, (_, n) => ({ queue: 'mail', name: n === 0 ? '' : `idle-${n}` })),
    );
    busy = test.storage.lanes.find('mail', '')!;
    idle = Array.from({ length: 49 }, (_, n) => test.storage.lanes.find('mail', `idle-${n + 1}`)!);
    await withoutAutovacuum(test.database);
  });
  afterAll(() => test.close());

  /** 284,000 ready, 10,000 scheduled, 1,000 suspects, 5,000 running in 50 claims without a lease; 100,000 ended. */
  async function fill(): Promise<void> {
    const rows = `select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 0, ${busy.id}, ${busy.queueId}, n % 3, now() + case when n between 285001 and 294000 then n else -n end * interval '1 millisecond',`;
    await test.database
      .query(`insert into simple_queue.job (id, shard, lane, queue, priority, run_at, suspicion, epoch, fingerprint, unique_key, payload, options)
      ${rows} (n > 294000 and n <= 295000)::int, n % 2, 'tag-' || n / 2000, case when n % 10 = 0 then 'key-' || n end, '{}', case when n % 3 = 0 then jsonb_build_object('workflowId', 'workflow-' || n / 2000) end from generate_series(1, 300000) n`);
    await test.database
      .query(`with j as (select *, right(id::text, 12)::int as n from simple_queue.job),
      r as (insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, shard, priority, run_at, id, epoch from j where n <= 284000),
      s as (insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch) select run_at, shard, id, lane, priority, epoch from j where n > 284000 and n <= 294000),
      u as (insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch) select lane, shard, 1, run_at, id, epoch from j where n > 294000 and n <= 295000)
      insert into simple_queue.claim (id, shard, lease, jobs, epochs)
        select gen_random_uuid(), 0, gen_random_uuid(), array_agg(id), array_agg(epoch) from j where n > 295000 group by n / 100`);
    await test.database
      .query(`insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
      select gen_random_uuid(), 0, 'succeeded', ${busy.id}, 0, 1, 0, 0, now(), now(), now(), now() + n % 6 * interval '1 day' from generate_series(1, 100000) n`);
    await test.database.query(`insert into simple_queue.given_id (id, shard, noted_at)
      select id, 0, now() - interval '9 days' from simple_queue.archive
      union all select gen_random_uuid(), 0, now() - interval '8 days' from generate_series(1, 100000)`);
  }

  /** All that the library's own connections do, in batches of 500. */
  async function work(): Promise<Cost[]> {
    const { database, run, costs } = explaining(test.storage.database);
    const [jobs, claims, settlements, leases, enqueues] = [
      new FindRepository(database),
      new ClaimRepository(database),
      new SettleRepository(database),
      new LeaseRepository(database),
      new EnqueueRepository(database, test.storage.lanes),
    ];
    const cancels = new CancelRepository();
    const claimed = await claimAndSettle(claims);
    const change = { delayMs: 0, spent: 1, rescheduled: 0, ran: true } as const;
    await settlements.putBack(
      claimed.slice(0, 200).map(({ id, epoch }) => ({ id, epoch, change })),
    );
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS } as const;
    await settlements.bury(
      'w',
      claimed.slice(200, 400).map(({ id, epoch }) => ({ id, epoch, verdict })),
    );
    await new CheckpointRepository().save(run, { ...claimed[400]!, ...CHECKPOINT });
    const said = claimed
      .slice(401, 500)
      .map(({ id, epoch }) => ({ id, epoch, progress: { done: 1 } }));
    expect((await new ProgressRepository().save(run, said)).size).toBe(99);
    await settlements.complete(run, 'w', {
      ...claimed[400]!,
      runMs: 1,
      keepMs: DAY_MS,
      output: undefined,
    });
    await claims.claimSuspects(
      randomUUID(),
      randomUUID(),
      [busy.id, ...idle.map((lane) => lane.id)],
      {
        alone: false,
        limit: BATCH,
      },
    );
    await pullAndSettle(database, settlements);
    await leases.reap(
      {
        maxStalls: 3,
        deadLetter: { '': DAY_MS },
        archive: { '': DAY_MS },
        onDeadJob: { '': 'block' },
      },
      FIRST_ID,
    );
    await leases.renew(randomUUID(), 1_000, { claims: [], olderThanMs: 1_000 });
    await releaseOne(leases);
    await claims.promote('-infinity', [busy.id]);
    await claims.hasDue(idle.map((lane) => lane.id));
    await keepLanes(database);
    await cancels.byFingerprint(run, { fingerprint: 'tag-3' }, { '': DAY_MS });
    await cancels.byUniqueKey(run, { queue: 'mail', uniqueKey: 'key-50000' }, { '': DAY_MS });
    await cancels.byWorkflow(run, { workflowId: 'workflow-7' }, { '': DAY_MS });
    await jobs.find(claimed[0]!.id, run);
    const ended = await test.database.query<Found>('select id from simple_queue.archive limit 50');
    await jobs.find(ended[0]!.id, run);
    await new EndRepository(database).find(
      [...claimed.slice(401, 450), ...ended].map(({ id }) => id),
    );
    await enqueues.insert(
      Array.from({ length: BATCH }, (_, n) => aNewJob({ uniqueKey: `key-${n}`, givenId: true })),
    );
    await enqueues.insert(Array.from({ length: BATCH }, () => aNewJob()));
    await conditional(enqueues, run, 60_000);
    await enqueues.insert([aNewJob()]);
    await enqueues.insert(await noted());
    expect(await new GivenIdRepository(database).purge(DAY_MS)).toBe(1_000);
    return costs;
  }

  /** What joins a caller's transaction, under the settings of the application's own connection. */
  async function workOfCallers(): Promise<Cost[]> {
    const inCallers = <T>(act: (run: Run) => Promise<T>) =>
      test.dataSource.transaction((manager) => act(runIn(test.storage, manager)));
    const { database, run, costs } = explaining(test.storage.database, inCallers);
    const [settlements, cancels, enqueues] = [
      new SettleRepository(database),
      new CancelRepository(),
      new EnqueueRepository(database, test.storage.lanes),
    ];
    const [running] = await test.database.query<Found>(
      'select jobs[1] as id, epochs[1] as epoch from simple_queue.claim limit 1',
    );
    await new CheckpointRepository().save(run, { ...running!, ...CHECKPOINT });
    await settlements.complete(run, 'w', {
      ...running!,
      runMs: 1,
      keepMs: DAY_MS,
      output: undefined,
    });
    await cancels.byFingerprint(run, { fingerprint: 'tag-5' }, { '': DAY_MS });
    await cancels.byUniqueKey(run, { queue: 'mail', uniqueKey: 'key-70000' }, { '': DAY_MS });
    await enqueues.insertIn(run, await noted());
    await enqueues.insertIn(
      run,
      Array.from({ length: BATCH }, (_, n) =>
        aNewJob({ uniqueKey: `key-${n + 1_000}`, givenId: true }),
      ),
    );
    await conditional(enqueues, run, 100_000);
    return costs;
  }

  /** Callers' ids that come again: half of them are kept, half are free. */
  async function noted(): Promise<NewJob[]> {
    const known = (at: string) =>
      test.database.query<Found>(
        `select id from simple_queue.given_id where noted_at ${at} now() - interval '8.5 days' limit 250`,
      );
    return [...(await known('<')), ...(await known('>'))].map(({ id }) =>
      aNewJob({ id, givenId: true }),
    );
  }

  /** Replaces, throttles and counts: every tenth job has a key. */
  async function conditional(enqueues: EnqueueRepository, run: Run, from: number): Promise<void> {
    const keys = Array.from({ length: BATCH }, (_, n) => `key-${from + n * 10}`);
    const replaced = await enqueues.insertIn(
      run,
      keys.map((uniqueKey) => aNewJob({ uniqueKey, conflict: 'replace' })),
    );
    expect(new Set(replaced.map(({ outcome }) => outcome))).toEqual(new Set(['replaced']));
    const throttled = () =>
      keys.map((key) =>
        aNewJob({ uniqueKey: `throttled-${key}`, conflict: 'throttle', periodMs: DAY_MS }),
      );
    await enqueues.insertIn(run, throttled());
    await enqueues.insertIn(run, throttled());
    for (const queueId of [busy.queueId, -1])
      await run(COUNT_PENDING, [0, queueId, 30_000, busy.id, 1]);
    await run(TAKE_HEADROOM, [0, busy.queueId, 30_000, 1, busy.id]);
  }

  async function keepLanes(database: Database): Promise<void> {
    await new Lanes(database).withJobs(0);
    await new Lanes(database).served([{ queue: 'mail' }, { queue: 'm*', name: 'idle-1' }]);
    await test.database.query(
      `update simple_queue.lane set created_at = created_at - interval '1 day', unused_at = now() where id = $1`,
      [busy.id],
    );
    await new UnusedLanesRepository(database).remove(0);
    await new UnusedLanesRepository(database).note(0);
    expect(await test.storage.lanes.byNumber(busy.id)).toMatchObject({ queue: 'mail' });
  }

  async function claimAndSettle(claims: ClaimRepository): Promise<Found[]> {
    const [hint] = await test.database.query<{ at: string; id: string }>(
      `select run_at::text as at, id from simple_queue.ready where priority = 0 order by run_at offset 10000 limit 1`,
    );
    const hinted = { priority: 0, runAt: hint!.at, id: hint!.id, upto: 0 };
    const lanes: LaneWish[] = idle.map((lane) => ({
      lane: lane.id,
      wanted: 10,
      ranges: [EVERYWHERE],
    }));
    lanes.push({ lane: busy.id, wanted: BATCH, ranges: [hinted, { ...EVERYWHERE, priority: 1 }] });
    const wish = { claimId: randomUUID(), lease: randomUUID(), lanes, limit: BATCH };
    const { jobs: first } = await claims.settleAndClaim('w', [], [], wish);
    expect(first).toHaveLength(BATCH);
    const successes = first.map(({ id, epoch }) => ({
      id,
      epoch,
      runMs: 1,
      keepMs: DAY_MS,
      output: '1',
    }));
    const next = { ...wish, claimId: randomUUID() };
    const { jobs: second, lost } = await claims.settleAndClaim(
      'w',
      successes,
      [wish.claimId],
      next,
    );
    expect([second.length, lost]).toEqual([BATCH, []]);
    return second;
  }

  /** As a remote worker does: half of its claim are suspects. */
  async function pullAndSettle(database: Database, settlements: SettleRepository): Promise<void> {
    const pulls = new PullRepository(database);
    const lease = randomUUID();
    const lanes = [...idle.map((lane) => lane.id), busy.id];
    const rows = await pulls.claim({
      lease,
      worker: lease,
      leaseMs: DAY_MS,
      lanes,
      limit: 100,
      suspects: 50,
    });
    expect(rows).toHaveLength(100);
    await pulls.renew(lease, DAY_MS);
    for (const { id } of rows.slice(0, 2))
      await pulls.settle(lease, id, (held, run) =>
        settlements.complete(run, 'w', { ...held, runMs: 1, keepMs: DAY_MS, output: undefined }),
      );
  }

  async function releaseOne(leases: LeaseRepository): Promise<void> {
    const [claim] = await test.database.query<{ id: string; lease: string }>(
      'select id, lease from simple_queue.claim limit 1',
    );
    await leases.releaseClaims(claim!.lease, [claim!.id]);
  }

  const aNewJob = (more: Partial<NewJob> = {}): NewJob => ({
    id: ids.next(),
    lane: busy,
    priority: 0,
    payload: '{}',
    givenId: false,
    ...more,
  });

  function judge(costs: Cost[]): void {
    const big = (table: string) => HOT.some((hot) => table.startsWith(hot));
    for (const { name, walked, removed, blocks } of costs) {
      const given = JOBS[name] ?? 0;
      expect({ name, walked: walked.filter(big) }).toEqual({ name, walked: [] });
      expect({ name, removed, many: removed > 100 + 6 * given }).toEqual({
        name,
        removed,
        many: false,
      });
      expect({ name, blocks, many: blocks > BLOCKS + BLOCKS_A_JOB * given }).toEqual({
        name,
        blocks,
        many: false,
      });
    }
  }

  const empty = async () => {
    for (const table of HOT) await test.database.query(`delete from simple_queue.${table}`);
    for (const table of HOT) await test.database.query(`vacuum simple_queue.${table}`);
  };
  const clear = () => test.rows.truncate();
  const analyseTwenty = async () => {
    await clear();
    await test.rows.jobs(20);
    await test.database.query('analyze');
    for (const table of ['job', 'ready'])
      await test.database.query(`delete from simple_queue.${table}`);
  };

  it.each([
    ['on tables that were empty and never analysed', clear],
    ['on tables that were analysed at 20 rows', analyseTwenty],
    ['on tables that were emptied and vacuumed without truncation', empty],
  ])('never walk a table and touch few pages: %s', async (_, prepare) => {
    await prepare();
    await fill();
    const costs = await work();
    judge([...costs, ...(await workOfCallers())]);
    const names = new Set(costs.map((cost) => cost.name));
    for (const name of [
      'claim',
      'settle_keep_and_claim',
      'put_back',
      'bury',
      'complete',
      'checkpoint',
      'progress',
      'reap_claims',
      'cancel',
      'find_live',
      'find_job',
      'find_kept_ids',
      'find_given',
      'forget_ids',
      'purge_given_ids',
      'find_ends',
      'promote',
      'pull_claim',
      'renew_pulled',
      'find_by_workflow',
      'enqueue',
      'replace',
      'open_periods',
      'count_pending',
    ])
      expect(names).toContain(name);
  });
});
