import { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Uuid7 } from '../../../lib/runtime/uuid7.js';
import type { Run } from '../../../lib/storage/connection/connections.js';
import { EnqueueRepository } from '../../../lib/storage/enqueue/enqueue.repository.js';
import type { NewJob } from '../../../lib/job/new-job.js';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import type { FollowerWish } from '../../../lib/storage/groups/followers.js';
import { GroupRepository, type Turn } from '../../../lib/storage/groups/group.repository.js';
import type { Success } from '../../../lib/storage/settle/ended-run.js';
import { HealthRepository } from '../../../lib/storage/diagnosis/health.repository.js';
import type { Lane } from '../../../lib/job/lane.js';
import { StagedRepository } from '../../../lib/storage/staged/staged.repository.js';
import { COUNT_PENDING } from '../../../lib/storage/enqueue/count-pending.sql.js';
import { patient } from '../../support/patience.mjs';
import { explaining, type Cost, withoutAutovacuum } from '../../support/plans.js';
import { aStorage, runIn, type TestStorage } from '../../support/storage.js';

const DAY_MS = 86_400_000;
const KEEP = { '': DAY_MS };
const TABLES = [
  'job',
  'blocked',
  'staged',
  'fair_ready',
  'head',
  'vacant',
  'ready',
  'scheduled',
  'archive',
  'dead_letter',
];
/** The others are a few pages here, and may be walked. */
const LARGE = ['job', 'blocked', 'staged', 'fair_ready'];
/** Jobs, or turns, that each statement is given here. */
const GIVEN: Record<string, number> = {
  settle_ordered: 500,
  take_vacant: 200,
  hand_on: 200,
  enqueue_held: 1_000,
  expire_staged: 500,
  cancel: 1_000,
  claim_fair: 500,
  count_pending: 30_000,
  bury: 100,
  list_blocked_groups: 100,
  lift_blocks: 49,
  find_stuck: 1_000,
  free_turns: 1_000,
};
/** Pages of a job that moves: its row, six indexes of three levels, its places, the archive; each counted anew by every part that waits for it. */
const BLOCKS_A_JOB = 250;
const BLOCKS = 1_000;

/** Every statement about groups and staged jobs on tables of 300,000 jobs that the planner takes for small. */
describe('plans of groups on large tables', () => {
  let test: TestStorage;
  let lane: Lane;
  let idle: Lane;
  const ids = new Uuid7();

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    lane = await test.storage.lanes.of('mail', '');
    idle = await test.storage.lanes.of('letters', '');
    await withoutAutovacuum(test.database);
  });
  afterAll(() => test.close());

  /** 1,000 ordered groups of 100 (100 of them vacant), one of 50,000, 100,000 jobs in 3,000 fair groups, 50,000 staged. */
  async function fill(): Promise<void> {
    const { id, queueId } = lane;
    const job = (
      n: string,
      more: string,
    ) => `insert into simple_queue.job (id, shard, lane, queue, run_at, payload, group_name, seq, fair, commit_by)
      select ('00000000-0000-7000-8000-' || lpad((${n})::text, 12, '0'))::uuid, 0, ${id}, ${queueId}, now(), '{}', ${more}`;
    await test.database.query(
      job('n', `'g' || n % 1000, n, null, null from generate_series(1, 100000) n`),
    );
    await test.database.query(
      job('n', `'long', n, null, null from generate_series(100001, 150000) n`),
    );
    await test.database.query(
      job('n', `'f' || n % 3000, null, true, null from generate_series(150001, 250000) n`),
    );
    await test.database.query(
      job(
        'n',
        `null, null, null, now() + (n - 250501) * interval '1 second' from generate_series(250001, 300000) n`,
      ),
    );
    await test.database.query(
      `insert into simple_queue.head (group_name, shard, queue) select distinct group_name, 0, queue from simple_queue.job where seq is not null`,
    );
    await test.database.query(
      `insert into simple_queue.vacant (group_name, shard, queue) select 'g' || n, 0, ${queueId} from generate_series(900, 999) n`,
    );
    await test.database
      .query(`insert into simple_queue.blocked (group_name, shard, queue, seq, id, lane, epoch)
      select group_name, 0, queue, seq, id, lane, 0 from simple_queue.job where seq is not null and (seq > 1000 or seq between 900 and 999)
        and seq <> 100001 and seq <> 1000`);
    await test.database
      .query(`insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
      select lane, 0, 0, run_at, id, 0 from simple_queue.job where seq between 1 and 899 or seq = 1000 or seq = 100001`);
    await test.database
      .query(`insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
      select lane, 0, group_name, 0, run_at, id, 0 from simple_queue.job where fair`);
    await test.database.query(
      `insert into simple_queue.staged (id, shard, lane, epoch) select id, 0, lane, 0 from simple_queue.job where commit_by is not null`,
    );
  }

  const aNewJob = (more: Partial<NewJob>): NewJob => ({
    id: ids.next(),
    lane,
    priority: 0,
    payload: '{}',
    givenId: false,
    ...more,
  });
  const idsWhere = async (where: string) =>
    (
      await test.database.query<{ id: string }>(`select id from simple_queue.job where ${where}`)
    ).map(({ id }) => id);

  async function work(): Promise<Cost[]> {
    const { database, run, costs } = explaining(test.storage.database);
    const [claims, settlements, groups, staged] = [
      new ClaimRepository(database),
      new SettleRepository(database),
      new GroupRepository(database),
      new StagedRepository(database),
    ];
    const successOf = (id: string) => ({ id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: '1' });
    const successes = (await idsWhere('seq between 1 and 500')).map(successOf);
    await test.database.query(
      `delete from simple_queue.ready where id in (select id from simple_queue.job where seq <= 600)`,
    );
    expect(await groups.settle('w', successes)).toMatchObject({
      lanes: [lane.id],
      vacant: 0,
      lost: [],
    });
    await follow(groups, (await idsWhere('seq between 1101 and 1400')).map(successOf));
    const [turn] = await test.database.query<Turn>(`select group_name as "group", queue from simple_queue.vacant limit 1`); // prettier-ignore
    expect(await groups.handOnBehind(turn!)).toMatchObject({ dealt: 100 });
    await groups.handOn();
    const verdict = {
      state: 'failed',
      spent: 1,
      runMs: 1,
      deadLetterKeepMs: DAY_MS,
      onDeadJob: 'block',
    } as const;
    await settlements.bury(
      'w',
      (await idsWhere('seq between 501 and 600')).map((id) => ({ id, epoch: 0, verdict })),
    );
    await groups.describe('mail', 'long');
    expect(await groups.listBlocked(1_000, 'mail')).toHaveLength(100);
    await new HealthRepository(database).blockedGroups();
    await test.database.query(
      `update simple_queue.head set dead_until = now() where dead is not null and group_name < 'g550'`,
    );
    expect(await groups.liftBlocks()).toEqual([{ queue: 'mail', groups: 49 }]);
    await groups.release('mail', 'g560');
    await test.database.query(`delete from simple_queue.vacant where group_name = 'g560'`);
    expect(await groups.freeStuck()).toMatchObject({ freed: 1 });
    await groups.claimFair({
      claimId: randomUUID(),
      lease: randomUUID(),
      lane: lane.id,
      after: null,
      wanted: 500,
    });
    await groups.claimFair({
      claimId: randomUUID(),
      lease: randomUUID(),
      lane: lane.id,
      after: 'f2',
      wanted: 500,
    });
    await staged.expire(KEEP);
    await claims.hasDue([lane.id]);
    await claims.promote('-infinity', [lane.id]);
    await new CancelRepository().byGroup(run, { group: 'g700', queue: 'mail' }, KEEP);
    await callersWork(run, new EnqueueRepository(database, test.storage.lanes), staged);
    return costs;
  }

  /** Their next jobs are claimed, and those behind them read ahead; then these end, and those are claimed. */
  async function follow(groups: GroupRepository, successes: Success[]): Promise<void> {
    const wishFor = (next: (ClaimedRow | undefined)[]): FollowerWish => ({
      claimId: randomUUID(),
      lease: randomUUID(),
      lanes: [lane.id],
      following: next.map((row) => ({ next: row, ahead: 10, queue: lane.queueId })),
    });
    const followers = wishFor(successes.map(() => undefined));
    const { claimed } = await groups.settle('w', successes, { followers });
    expect(claimed).toHaveLength(successes.length);
    const ended = claimed.map(({ id }) => ({ ...successes[0]!, id }));
    const known = wishFor(claimed.map(({ next }) => next));
    const settled = await groups.settle('w', ended, { followers: known });
    expect(settled).toMatchObject({ vacant: 0, lost: [] });
    expect(settled.claimed).toHaveLength(successes.length);
  }

  async function callersWork(
    run: Run,
    enqueues: EnqueueRepository,
    staged: StagedRepository,
  ): Promise<void> {
    const cancels = new CancelRepository();
    const held = (n: number) => aNewJob({ group: `g${n}`, ordered: true });
    await enqueues.insertIn(
      run,
      Array.from({ length: 250 }, (_, n) => [held(n), held(n + 5_000)]).flat(),
    );
    await enqueues.insertIn(
      run,
      Array.from({ length: 500 }, (_, n) => aNewJob({ group: `f${n}`, fair: true })),
    );
    for (const { queueId } of [lane, idle])
      await run(COUNT_PENDING, [0, queueId, 30_000, lane.id, 1]);
    const [one] = await idsWhere(`commit_by > now() + interval '1 hour' limit 1`);
    await staged.take(run, one!);
    await staged.commit(run, [one!]);
    await cancels.byGroup(run, { group: 'f17', queue: 'mail' }, KEEP);
    await cancels.byId(
      run,
      await idsWhere(`commit_by > now() + interval '2 hours' limit 100`),
      KEEP,
    );
  }

  async function workOfCallers(): Promise<Cost[]> {
    const inCallers = <T>(act: (run: Run) => Promise<T>) =>
      test.dataSource.transaction((manager) => act(runIn(test.storage, manager)));
    const { database, run, costs } = explaining(test.storage.database, inCallers);
    await callersWork(
      run,
      new EnqueueRepository(database, test.storage.lanes),
      new StagedRepository(database),
    );
    return costs;
  }

  function judge(costs: Cost[]): void {
    for (const { name, walked, removed, blocks } of costs) {
      const given = GIVEN[name] ?? 0;
      expect({ name, walked: walked.filter((table) => LARGE.includes(table)) }).toEqual({
        name,
        walked: [],
      });
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
    for (const table of TABLES) await test.database.query(`delete from simple_queue.${table}`);
    for (const table of TABLES) await test.database.query(`vacuum simple_queue.${table}`);
  };

  it.each([
    ['on tables that were empty and never analysed', () => test.rows.clear()],
    ['on tables that were emptied and vacuumed without truncation', empty],
  ])(
    'never walk a table and touch few pages: %s',
    async (_, prepare) => {
      await prepare();
      await fill();
      const costs = await work();
      judge(costs);
      judge(await workOfCallers());
      const names = new Set(costs.map((cost) => cost.name));
      for (const name of Object.keys(GIVEN)) expect(names).toContain(name);
    },
    patient(60_000),
  );
});
