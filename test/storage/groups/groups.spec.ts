import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { HAND_ON } from '../../../lib/storage/groups/hand-on.sql.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { Success } from '../../../lib/storage/settle/ended-run.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import { eventually } from '../../support/eventually.js';
import {
  aStorage,
  joining,
  Rival,
  runIn,
  type TestStorage,
  waitingBackends,
} from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const OPTIONS = resolveOptions({ queues: { strict: { ordered: true } } }).options;

describe('ordered groups', () => {
  let test: TestStorage;
  let cancels: CancelRepository;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;
  let enqueuer: Enqueuer;

  beforeAll(async () => {
    test = await aStorage();
    ({ cancels, claims, jobs, settlements } = test.storage);
    enqueuer = new Enqueuer(test.storage, OPTIONS, test.events);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const run = () => test.storage.database.callers.run;
  const enqueue = async (group: string, options: Partial<EnqueueItem> = {}) =>
    (await enqueuer.enqueue('mail', { payload: null, group, ordered: true, ...options }, {})).id;
  const claim = async (queue = 'mail') => {
    const ranges = [{ priority: -32_768, runAt: '-infinity', id: FIRST_ID, upto: 32_767 }];
    const lanes = [{ lane: (await test.rows.lane(queue)).id, wanted: 100, ranges }];
    return (
      await claims.settleAndClaim('w', [], [], {
        claimId: randomUUID(),
        lease: randomUUID(),
        lanes,
        limit: 100,
      })
    ).jobs;
  };
  const claimOne = async (queue = 'mail') => {
    const claimed = await claim(queue);
    expect(claimed).toHaveLength(1);
    return claimed[0]!;
  };
  const successOf = (
    { id, epoch }: { id: string; epoch: number },
    more: Partial<Success> = {},
  ): Success => ({
    id,
    epoch,
    runMs: 7,
    keepMs: DAY_MS,
    output: undefined,
    ...more,
  });
  const settle = (...rows: ClaimedRow[]) =>
    test.storage.groups.settle(
      'w',
      rows.map((row) => successOf(row)),
    );
  const handOn = () => test.storage.groups.handOn();
  const bury = (
    row: ClaimedRow,
    onDeadJob: 'block' | 'skip' | 'halt',
    state: 'failed' | 'cancelled' = 'failed',
  ) =>
    settlements.bury('w', [
      {
        id: row.id,
        epoch: row.epoch,
        verdict: {
          state,
          spent: 1,
          runMs: 1,
          deadLetterKeepMs: DAY_MS,
          archiveKeepMs: DAY_MS,
          onDeadJob,
        },
      },
    ]);
  const stateOf = async (id: string) => (await jobs.find(id))?.state;
  const statesOf = (ids: string[]) => Promise.all(ids.map(stateOf));
  const count = async (table: string) =>
    (
      await test.database.query<{ n: number }>(
        `select count(*)::int as n from simple_queue.${table}`,
      )
    )[0]!.n;

  it('let one job of a group be claimed, in whatever batch it came, and the first of each other group', async () => {
    const ids = [await enqueue('a'), await enqueue('a'), await enqueue('b')];
    await enqueuer.enqueueMany(
      'mail',
      [1, 2].map((payload) => ({ payload, group: 'c', ordered: true })),
      {},
    );

    expect(await statesOf(ids)).toEqual(['ready', 'blocked', 'ready']);
    expect((await claim()).map((row) => row.id)).toEqual([ids[0], ids[2], expect.any(String)]);
    expect(await jobs.find(ids[1]!)).toMatchObject({ group: 'a' });
  });

  it('pass the turn on with the settle, to the next in the order of the array', async () => {
    const items = [1, 2, 3].map((payload) => ({ payload, group: 'a', ordered: true }));
    await enqueuer.enqueueMany('mail', items, {});

    for (const n of [1, 2, 3]) {
      const row = await claimOne();
      expect(JSON.parse(row.payload!)).toBe(n);
      expect(await settle(row)).toEqual({
        lanes: n === 3 ? [] : [row.lane],
        later: 0,
        vacant: n === 3 ? 1 : 0,
        keys: false,
        lost: [],
        claimed: [],
      });
    }
    expect(await handOn()).toMatchObject({ looked: 1, dealt: 1, lanes: [] });
    expect([await count('head'), await count('vacant'), await count('job')]).toEqual([0, 0, 0]);
  });

  it('keep every column of the job in the archive', async () => {
    const id = await enqueue('a', { uniqueKey: 'key', fingerprint: 'tag', headers: { h: '1' } });
    await test.storage.groups.settle('worker-9', [
      successOf(await claimOne(), { output: '{"done": 1}' }),
    ]);
    expect(await jobs.find(id)).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      uniqueKey: 'key',
      fingerprint: 'tag',
      headers: { h: '1' },
      group: 'a',
      output: { done: 1 },
      worker: 'worker-9',
    });
    await handOn();
  });

  it('pass nothing on for a run that no longer holds its job', async () => {
    const [first, second] = [await enqueue('a'), await enqueue('a')];
    const row = await claimOne();
    expect(await test.storage.groups.settle('w', [successOf({ id: row.id, epoch: 7 })])).toEqual({
      lanes: [],
      later: 0,
      vacant: 0,
      keys: false,
      lost: [first],
      claimed: [],
    });
    expect(await statesOf([first, second])).toEqual(['running', 'blocked']);
  });

  it('concurrent ordered enqueues do not fail: the second waits for the commit of the first, and runs after it', async () => {
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction();
    const first = (
      await enqueuer.enqueue(
        'mail',
        { payload: 1, group: 'a', ordered: true },
        joining(test.storage, manager),
      )
    ).id;
    const second = enqueue('a');
    await eventually(async () => (await waitingBackends(test.database)) === 1);
    expect(await stateOf(first)).toBeUndefined();

    await manager.commitTransaction();
    await manager.release();

    expect(await statesOf([first, await second])).toEqual(['ready', 'blocked']);
  });

  it('a late commit does not break FIFO: what began first and committed last stands last', async () => {
    const late = test.dataSource.createQueryRunner();
    await late.startTransaction();
    await late.query('select 1');
    const early = await enqueue('a');
    const last = (
      await enqueuer.enqueue(
        'mail',
        { payload: 1, group: 'a', ordered: true },
        joining(test.storage, late),
      )
    ).id;
    await late.commitTransaction();
    await late.release();
    expect(await statesOf([early, last])).toEqual(['ready', 'blocked']);
  });

  it('the next of a group is found where its enqueue committed after the settle had looked', async () => {
    await enqueue('a');
    const row = await claimOne();
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction();
    const second = (
      await enqueuer.enqueue(
        'mail',
        { payload: 1, group: 'a', ordered: true },
        joining(test.storage, manager),
      )
    ).id;

    expect(await settle(row)).toMatchObject({ vacant: 1, lost: [] });
    expect(await handOn()).toMatchObject({ looked: 1, dealt: 0 });
    await manager.commitTransaction();
    await manager.release();

    expect(await handOn()).toMatchObject({ looked: 1, dealt: 1, lanes: [row.lane] });
    expect(await stateOf(second)).toBe('ready');
  });

  it('a follower that is changed while the duty looks at it keeps the turn vacant until the next look', async () => {
    const first = await enqueue('a');
    const second = await enqueue('a');
    await cancels.byId(run(), [first], { '': DAY_MS });
    const rival = await Rival.connect(test.database);
    await rival.query('select pg_advisory_lock(7)');
    const { queueId } = await test.rows.lane('mail');
    // Its snapshot is taken, and it has come no further.
    const held = HAND_ON.text.replace('from unnest($2::text[], $3::int[])', 'from (select pg_advisory_xact_lock_shared(7)) l, unnest($2::text[], $3::int[])'); // prettier-ignore
    const looking = test.database.query<{ dealt: number }>(held, [0, ['a'], [queueId]]);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    const queues = new QueueService(test.storage, test.options, test.events);
    await queues.change(second, { payload: 2 });
    await rival.query('select pg_advisory_unlock(7)');
    await rival.close();
    expect(await looking).toMatchObject([{ dealt: 0 }]);
    expect(await handOn()).toMatchObject({ looked: 1, dealt: 1 });
    expect(await stateOf(second)).toBe('ready');
  });

  it('a follower that is being cancelled is waited for, and nothing overtakes it', async () => {
    const [, second, third] = [await enqueue('a'), await enqueue('a'), await enqueue('a')];
    const row = await claimOne();
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction();
    await cancels.byId(runIn(test.storage, manager), [second], { '': DAY_MS });

    expect(await settle(row)).toMatchObject({ vacant: 1 });
    expect(await handOn()).toMatchObject({ looked: 1, dealt: 0 });
    expect(await stateOf(third)).toBe('blocked');
    await manager.rollbackTransaction();
    await manager.release();

    await handOn();
    expect(await statesOf([second, third])).toEqual(['ready', 'blocked']);
  });

  it('the place of a follower that somebody has deleted goes, and the next one has the turn', async () => {
    const [, second, third] = [await enqueue('a'), await enqueue('a'), await enqueue('a')];
    const row = await claimOne();
    await test.database.query('delete from simple_queue.job where id = $1', [second]);
    expect(await settle(row)).toMatchObject({ vacant: 1 });
    await handOn();
    expect(await handOn()).toMatchObject({ looked: 1, dealt: 1 });
    expect(await stateOf(third)).toBe('ready');
    expect(await test.database.query('select from simple_queue.blocked')).toEqual([]);
  });

  it('a blocked follower that is cancelled leaves the order of the others', async () => {
    const [first, second, third] = [await enqueue('a'), await enqueue('a'), await enqueue('a')];
    expect(await cancels.byId(run(), [second], { '': DAY_MS })).toEqual({
      cancelled: 1,
      requested: 0,
    });
    await settle(await claimOne());
    expect(await statesOf([first, second, third])).toEqual(['succeeded', 'cancelled', 'ready']);
  });

  it.each(['ready', 'scheduled'])(
    'a head that is cancelled while %s gives its turn away',
    async (state) => {
      const head = await enqueue('a', state === 'scheduled' ? { delayMs: 60_000 } : {});
      const next = await enqueue('a');
      expect(await statesOf([head, next])).toEqual([state, 'blocked']);

      await cancels.byId(run(), [head], { '': DAY_MS });
      expect(await count('vacant')).toBe(1);
      await handOn();

      expect(await stateOf(next)).toBe('ready');
    },
  );

  it('all of a group is cancelled by its name', async () => {
    const ids = [await enqueue('a'), await enqueue('a'), await enqueue('b')];
    expect(await cancels.byGroup(run(), { group: 'a', queue: 'mail' }, { '': DAY_MS })).toEqual({
      cancelled: 2,
      requested: 0,
    });
    expect(await statesOf(ids)).toEqual(['cancelled', 'cancelled', 'ready']);
    await handOn();
  });

  it('a job of later holds its place: its followers wait for it', async () => {
    const [head, later, last] = [
      await enqueue('a'),
      await enqueue('a', { delayMs: 60_000 }),
      await enqueue('a'),
    ];
    expect(await settle(await claimOne())).toMatchObject({ lanes: [], later: 1, vacant: 0 });
    expect(await statesOf([head, later, last])).toEqual(['succeeded', 'scheduled', 'blocked']);
  });

  it('a head that is retried keeps its turn, across reap and release as well', async () => {
    const [head, next] = [await enqueue('a'), await enqueue('a')];
    const change = { delayMs: 60_000, spent: 1, rescheduled: 0, ran: true } as const;
    const row = await claimOne();
    await settlements.putBack([{ id: row.id, epoch: row.epoch, change }]);
    expect(await statesOf([head, next])).toEqual(['scheduled', 'blocked']);

    await test.database.query(`update simple_queue.job set run_at = now() where id = $1`, [head]);
    await test.database.query(
      `update simple_queue.scheduled set run_at = (select run_at from simple_queue.job where id = $1)`,
      [head],
    );
    await claims.promote('-infinity', []);
    await claimOne();
    await test.storage.leases.reap(
      {
        maxStalls: 3,
        deadLetter: { '': DAY_MS },
        archive: { '': DAY_MS },
        onDeadJob: { '': 'block' },
      },
      FIRST_ID,
    );
    expect(await statesOf([head, next])).toEqual(['ready', 'blocked']);
    expect(await count('suspect')).toBe(1);
  });

  it('dead job, skip: the next one goes on', async () => {
    const [, next] = [await enqueue('a'), await enqueue('a')];
    await bury(await claimOne(), 'skip');
    await handOn();
    expect(await stateOf(next)).toBe('ready');
  });

  it('dead job, block: the followers wait until the group is released, and other groups go on', async () => {
    const [dead, next] = [await enqueue('a'), await enqueue('a')];
    await bury(await claimOne(), 'block');
    const other = [await enqueue('b'), await enqueue('b')];

    await handOn();
    expect(await test.storage.groups.describe('mail', 'a')).toEqual({
      dead: { id: dead, at: expect.any(Date) },
      waiting: 1,
    });
    expect(await statesOf([dead, next, ...other])).toEqual([
      'failed',
      'blocked',
      'ready',
      'blocked',
    ]);
    await settle(await claimOne());
    expect(await stateOf(other[1]!)).toBe('ready');

    expect(await test.storage.groups.release('mail', 'a')).toBe(dead);
    expect(await test.storage.groups.release('mail', 'a')).toBeUndefined();
    await handOn();
    expect(await statesOf([dead, next])).toEqual(['failed', 'ready']);
    expect(await test.storage.groups.describe('mail', 'a')).toEqual({ holder: next, waiting: 0 });
  });

  it('dead job, halt: no group of the queue passes its turn on, and none begins, until it is released', async () => {
    const [dead] = [await enqueue('a'), await enqueue('a')];
    const rowA = await claimOne();
    const b = [await enqueue('b'), await enqueue('b')];
    const rowB = await claimOne();
    await bury(rowA, 'halt');
    const fresh = await enqueue('fresh');

    expect(await settle(rowB)).toMatchObject({ lanes: [], vacant: 1 });
    expect(await handOn()).toMatchObject({ looked: 0 });
    expect(await statesOf([b[1]!, fresh])).toEqual(['blocked', 'blocked']);
    expect(await test.storage.groups.describe('mail', 'b')).toEqual({ haltedBy: dead, waiting: 1 });
    expect(await claims.hasDue([rowA.lane])).toBe(false);

    await test.storage.groups.release('mail', 'a');
    expect(await claims.hasDue([rowA.lane])).toBe(true);
    await handOn();
    expect(await statesOf([b[1]!, fresh])).toEqual(['ready', 'ready']);
  });

  it('a head whose cancel was asked for blocks nobody, whatever the policy', async () => {
    const [, next] = [await enqueue('a'), await enqueue('a')];
    const row = await claimOne();
    await cancels.byId(run(), [row.id], { '': DAY_MS });
    await bury(row, 'halt');
    await handOn();
    expect(await statesOf([row.id, next])).toEqual(['cancelled', 'ready']);
  });

  it.each(['block', 'skip', 'halt'] as const)(
    'a head that is poisoned follows the policy %s',
    async (onDeadJob) => {
      const [head, next] = [await enqueue('a'), await enqueue('a')];
      const row = await claimOne();
      await test.database.query('update simple_queue.job set suspicion = 3 where id = $1', [
        row.id,
      ]);
      const keep = { deadLetter: { '': DAY_MS }, archive: { '': DAY_MS } };
      await test.storage.leases.reap(
        { maxStalls: 1, ...keep, onDeadJob: { '': 'block', mail: onDeadJob } },
        FIRST_ID,
      );
      await handOn();
      expect(await statesOf([head, next])).toEqual([
        'poisoned',
        onDeadJob === 'skip' ? 'ready' : 'blocked',
      ]);
      expect(await test.storage.groups.release('mail', 'a')).toBe(
        onDeadJob === 'skip' ? undefined : head,
      );
    },
  );

  it('a completion in the transaction of the handler leaves the turn vacant when it commits', async () => {
    const [head, next] = [await enqueue('a'), await enqueue('a')];
    const row = await claimOne();
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction();
    expect(await settlements.complete(runIn(test.storage, manager), 'w', successOf(row))).toBe(
      true,
    );
    expect(await handOn()).toMatchObject({ looked: 0 });
    // Its own transaction may enqueue to the very group, and others need not wait for it.
    const third = (
      await enqueuer.enqueue(
        'mail',
        { payload: 1, group: 'a', ordered: true },
        joining(test.storage, manager),
      )
    ).id;
    await manager.commitTransaction();
    await manager.release();

    await handOn();
    expect(await statesOf([head, next, third])).toEqual(['succeeded', 'ready', 'blocked']);
  });

  it('an enqueue in an open transaction of the group holds up no settle', async () => {
    await enqueue('a');
    const row = await claimOne();
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction();
    await enqueuer.enqueue(
      'mail',
      { payload: 1, group: 'a', ordered: true },
      joining(test.storage, manager),
    );
    await settle(row);
    expect(await stateOf(row.id)).toBe('succeeded');
    await manager.rollbackTransaction();
    await manager.release();
    await handOn();
    expect(await count('head')).toBe(0);
  });

  it('an enqueue that rolls back leaves nothing of a new group', async () => {
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction();
    await enqueuer.enqueue(
      'mail',
      { payload: 1, group: 'a', ordered: true },
      joining(test.storage, manager),
    );
    await manager.rollbackTransaction();
    await manager.release();
    expect(await count('head')).toBe(0);
  });

  it('a queue that is ordered as a whole is one group', async () => {
    const ids = [];
    for (const payload of [1, 2]) ids.push((await enqueuer.enqueue('strict', { payload }, {})).id);
    expect(await statesOf(ids)).toEqual(['ready', 'blocked']);
    const row = await claimOne('strict');
    expect(JSON.parse(row.options!)).toEqual({ ordered: true });
    await settle(row);
    expect(await stateOf(ids[1]!)).toBe('ready');
  });

  it('a unique key holds in an ordered group: the second one is not stored and takes no turn', async () => {
    const first = await enqueue('a', { uniqueKey: 'key' });
    expect(await enqueue('a', { uniqueKey: 'key' })).toBe(first);
    const items = ['y', 'key', 'x'].map((uniqueKey) => ({
      payload: uniqueKey,
      group: 'a',
      ordered: true,
      uniqueKey,
    }));
    const answers = await enqueuer.enqueueMany('mail', items, {});
    expect(answers.map((answer) => answer.created)).toEqual([true, false, true]);

    await settle(await claimOne());
    const row = await claimOne();
    // In the order of the array, though keys are taken in theirs.
    expect(row.id).toBe(answers[0]!.id);
    await settle(row);
  });

  it("a caller's id that has ended takes its turn back", async () => {
    const id = randomUUID();
    await enqueue('a', { id });
    await settle(await claimOne());
    await handOn();
    const items = [{ payload: 1, id }, { payload: 2 }].map((item) => ({
      ...item,
      group: 'a',
      ordered: true,
    }));
    const answers = await enqueuer.enqueueMany('mail', items, {});
    expect(answers.map((answer) => answer.created)).toEqual([false, true]);
    await handOn();
    expect(await stateOf(answers[1]!.id)).toBe('ready');
  });

  it('a batch of several statements runs in the order of its array', async () => {
    const items = Array.from({ length: 5_200 }, (_, n) => ({
      payload: n,
      group: 'a',
      ordered: true,
      uniqueKey: `k${(n * 7_919) % 5_200}`,
    }));
    await enqueuer.enqueueMany('mail', items, {});
    const stored = await test.database.query<{ n: number }>(
      `select payload::text::int as n from simple_queue.job order by seq`,
    );
    expect(stored.map(({ n }) => n)).toEqual(items.map((_, n) => n));
  });

  it.each([
    ['one statement', 0],
    ['several statements', 5_000],
  ])(
    'a batch that would mix a group leaves nothing in the transaction of its caller, who goes on: %s',
    async (_, more) => {
      await enqueue('a', { ordered: false });
      const last = [{ payload: 1, uniqueKey: 'k' }, { payload: 2, group: 'zz', ordered: true, uniqueKey: 'z' }, { payload: 3, group: 'a', ordered: true, uniqueKey: 'zz' }]; // prettier-ignore
      const batch = [...Array.from({ length: more }, (_, payload) => ({ payload })), ...last];
      await test.dataSource.transaction(async (manager) => {
        await expect(
          enqueuer.enqueueMany('mail', batch, joining(test.storage, manager)),
        ).rejects.toMatchObject({
          code: 'GROUP_MIXED',
        });
        await enqueuer.enqueueMany('mail', [{ payload: 4 }], joining(test.storage, manager));
      });
      expect(await count('job')).toBe(2);
    },
  );

  it.each([
    [true, false],
    [false, true],
  ])('ordered and plain jobs do not mix in a group (first %s, then %s)', async (first, second) => {
    await enqueue('a', { ordered: first });
    await expect(enqueue('a', { ordered: second })).rejects.toMatchObject({ code: 'GROUP_MIXED' });
    expect(await count('job')).toBe(1);
    // The other kind of another group may.
    await enqueue('b', { ordered: second });
  });

  it('a transaction under REPEATABLE READ learns that the group has moved on, and never enqueues out of order', async () => {
    const manager = test.dataSource.createQueryRunner();
    await manager.startTransaction('REPEATABLE READ');
    await manager.query('select 1');
    await enqueue('a');
    const late = enqueuer.enqueue(
      'mail',
      { payload: 1, group: 'a', ordered: true },
      joining(test.storage, manager),
    );
    await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT' });
    await manager.rollbackTransaction();
    await manager.release();
  });

  it('two turn duties share the work', async () => {
    const groups = Array.from({ length: 300 }, (_, n) => `g${n}`);
    await enqueuer.enqueueMany(
      'mail',
      groups.flatMap((group) => [1, 2].map((payload) => ({ payload, group, ordered: true }))),
      {},
    );
    const rows = [...(await claim()), ...(await claim()), ...(await claim())];
    await Promise.all(rows.map((row) => bury(row, 'skip')));
    expect(await count('vacant')).toBe(300);
    const pages = await Promise.all([handOn(), handOn(), handOn()]);
    expect(pages.reduce((sum, page) => sum + page.dealt, 0)).toBe(300);
    expect(await count('ready')).toBe(300);
  });
});
