import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Run } from '../../lib/storage/connections.js';
import type { EnqueueRepository, NewJob } from '../../lib/storage/enqueue.repository.js';
import type { Lane } from '../../lib/storage/lanes.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import { ENQUEUE } from '../../lib/storage/sql/enqueue.sql.js';
import { eventually } from '../support/eventually.js';
import { aStorage, Rival, waitingBackends, type TestStorage } from '../support/storage.js';

const DAY_MS = 86_400_000;

describe('enqueueing against rivals', () => {
  let test: TestStorage;
  let enqueues: EnqueueRepository;
  let lane: Lane;
  const ids = new Uuid7();

  beforeAll(async () => {
    test = await aStorage();
    enqueues = test.storage.enqueues;
    lane = await test.storage.lanes.of('mail', '');
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await test.storage.jobs.checkPlaces()).toEqual([]));
  afterAll(() => test.close());

  const aNewJob = (more: Partial<NewJob> = {}): NewJob => ({
    id: ids.next(),
    lane,
    priority: 0,
    payload: '{}',
    givenId: false,
    ...more,
  });
  const count = async () => (await test.database.query<{ n: number }>('select count(*)::int as n from simple_queue.job'))[0]!.n;
  /** The repository on a connection of its own, as another process has it. */
  const runOn =
    (client: pg.Client): Run =>
    async <Row>(statement: { text: string }, values: unknown[]) =>
      (await client.query(statement.text, values)).rows as Row[];
  const end = (id: string) => test.storage.jobs.cancelById(test.storage.database.callers.run, [id], { '': DAY_MS });

  it('lets one of 32 connections in on one key, and tells the others who it is', async () => {
    const clients = Array.from({ length: 32 }, () => new pg.Client({ connectionString: test.database.url }));
    await Promise.all(clients.map((client) => client.connect()));

    for (let round = 0; round < 4; round++) {
      const uniqueKey = `key-${round}`;
      const answers = await Promise.all(clients.map((client) => enqueues.insertIn(runOn(client), [aNewJob({ uniqueKey })])));
      expect(answers.flat().filter((answer) => answer.created)).toHaveLength(1);
      expect(new Set(answers.flat().map((answer) => answer.id)).size).toBe(1);
    }

    await Promise.all(clients.map((client) => client.end()));
    expect(await count()).toBe(4);
  });

  it.each([
    ['keys', (n: number) => ({ uniqueKey: `key-${n}` })],
    ["caller's ids", (n: number) => ({ id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, givenId: true })],
  ])('never deadlocks over the same %s in opposite orders', async (_, options) => {
    const batch = () => Array.from({ length: 3_000 }, (__, n) => aNewJob(options(n)));
    const batches = [batch(), batch().toReversed(), batch(), batch().toReversed()];

    const answers = await Promise.all(batches.map((jobs) => enqueues.insert(jobs)));

    expect(answers.flat().filter((answer) => answer.created)).toHaveLength(3_000);
    expect(await count()).toBe(3_000);
  });

  it('never deadlocks over keys in opposite orders that take several statements', async () => {
    const batch = () => Array.from({ length: 12_000 }, (_, n) => aNewJob({ uniqueKey: `key-${n}` }));
    const answers = await Promise.all([enqueues.insert(batch()), enqueues.insert(batch().toReversed())]);
    expect(answers.flat().filter((answer) => answer.created)).toHaveLength(12_000);
  });

  it('waits for a rival that holds the key and is not committed, and comes in when that rolls back', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await enqueues.insertIn(
      async (statement, values) => rival.query(statement.text, values) as never,
      [aNewJob({ uniqueKey: 'key' })],
    );

    const waiting = enqueues.insert([aNewJob({ uniqueKey: 'key' })]);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.rollback();
    await rival.close();

    expect(await waiting).toMatchObject([{ created: true }]);
    expect(await count()).toBe(1);
  });

  it('comes in at the second try when the holder ends between insert and look-up', async () => {
    const holder = await test.rows.job({ uniqueKey: 'key' });
    const { run } = test.storage.database.callers;
    let inserts = 0;
    const meddling: Run = async <Row>(statement: typeof ENQUEUE, values: unknown[]) => {
      const rows = await run<Row>(statement, values);
      if (statement === ENQUEUE && ++inserts === 1) await end(holder.id);
      return rows;
    };
    const job = aNewJob({ uniqueKey: 'key' });

    expect(await enqueues.insertIn(meddling, [job])).toEqual([{ id: job.id, created: true, outcome: 'created' }]);
    expect(inserts).toBe(2);
  });

  it('gives a clear error rather than a wrong answer when the holders of a key change for ever', async () => {
    let holder = await test.rows.job({ uniqueKey: 'key' });
    const { run } = test.storage.database.callers;
    const meddling: Run = async <Row>(statement: typeof ENQUEUE, values: unknown[]) => {
      if (statement === ENQUEUE && (await count()) === 0) holder = await test.rows.job({ uniqueKey: 'key' });
      const rows = await run<Row>(statement, values);
      if (statement === ENQUEUE) await end(holder.id);
      return rows;
    };
    await expect(enqueues.insertIn(meddling, [aNewJob({ uniqueKey: 'key' })])).rejects.toMatchObject({
      code: 'TRANSACTION_CONFLICT',
    });
  });

  it("remembers a caller's id that is being completed while it comes again", async () => {
    for (let round = 0; round < 10; round++) {
      const job = await test.rows.job({ state: 'running' });
      const success = { id: job.id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined };
      const wish = { claimId: ids.next(), lease: ids.next(), lanes: [], limit: 0 };
      const [, answers] = await Promise.all([
        test.storage.jobs.settleAndClaim('w', [success], [job.claim], wish),
        enqueues.insert([aNewJob({ id: job.id, givenId: true })]),
      ]);
      expect(answers).toEqual([{ id: job.id, created: false, outcome: 'existing' }]);
      expect(await test.storage.jobs.find(job.id)).toMatchObject({ state: 'succeeded' });
    }
    expect(await count()).toBe(0);
  });

  it('waits for a completion that is not committed yet, and remembers the id then', async () => {
    const rival = await Rival.connect(test.database);
    const job = await test.rows.job({ state: 'running' });
    await rival.begin();
    const success = { id: job.id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined };
    await test.storage.jobs.complete(async (statement, values) => rival.query(statement.text, values) as never, 'w', success);

    const coming = enqueues.insert([aNewJob({ id: job.id, givenId: true, uniqueKey: 'key' })]);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();
    await rival.close();

    expect(await coming).toEqual([{ id: job.id, created: false, outcome: 'existing' }]);
    expect(await count()).toBe(0);
  });
});
