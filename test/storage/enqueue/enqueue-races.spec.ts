import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Run } from '../../../lib/storage/connection/connections.js';
import { ENQUEUE } from '../../../lib/storage/enqueue/enqueue.sql.js';
import { eventually } from '../../support/eventually.js';
import { aJobStore } from '../../support/job-store.js';
import { Rival, waitingBackends } from '../../support/storage.js';

const DAY_MS = 86_400_000;

describe('enqueueing against rivals', () => {
  const store = aJobStore();
  const { aNewJob, count } = store;
  /** The repository on a connection of its own, as another process has it. */
  const runOn =
    (client: pg.Client): Run =>
    async <Row>(statement: { text: string }, values: unknown[]) =>
      (await client.query(statement.text, values)).rows as Row[];
  const end = (id: string) =>
    store.test.storage.cancels.byId(store.test.storage.database.callers.run, [id], {
      '': DAY_MS,
    });

  it('lets one of 32 connections in on one key, and tells the others who it is', async () => {
    const clients = Array.from(
      { length: 32 },
      () => new pg.Client({ connectionString: store.test.database.url }),
    );
    await Promise.all(clients.map((client) => client.connect()));

    for (let round = 0; round < 4; round++) {
      const uniqueKey = `key-${round}`;
      const answers = await Promise.all(
        clients.map((client) => store.enqueues.insertIn(runOn(client), [aNewJob({ uniqueKey })])),
      );
      expect(answers.flat().filter((answer) => answer.created)).toHaveLength(1);
      expect(new Set(answers.flat().map((answer) => answer.id)).size).toBe(1);
    }

    await Promise.all(clients.map((client) => client.end()));
    expect(await count()).toBe(4);
  });

  it.each([
    ['keys', (n: number) => ({ uniqueKey: `key-${n}` })],
    [
      "caller's ids",
      (n: number) => ({
        id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
        givenId: true,
      }),
    ],
  ])('never deadlocks over the same %s in opposite orders', async (_, options) => {
    const batch = () => Array.from({ length: 3_000 }, (__, n) => aNewJob(options(n)));
    const batches = [batch(), batch().toReversed(), batch(), batch().toReversed()];

    const answers = await Promise.all(batches.map((jobs) => store.enqueues.insert(jobs)));

    expect(answers.flat().filter((answer) => answer.created)).toHaveLength(3_000);
    expect(await count()).toBe(3_000);
  });

  it('never deadlocks over keys in opposite orders that take several statements', async () => {
    const batch = () =>
      Array.from({ length: 12_000 }, (_, n) => aNewJob({ uniqueKey: `key-${n}` }));
    const answers = await Promise.all([
      store.enqueues.insert(batch()),
      store.enqueues.insert(batch().toReversed()),
    ]);
    expect(answers.flat().filter((answer) => answer.created)).toHaveLength(12_000);
  });

  it('never deadlocks over keys of free and grouped jobs in opposite orders', async () => {
    const clients = Array.from(
      { length: 2 },
      () => new pg.Client({ connectionString: store.test.database.url }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    for (let round = 0; round < 20; round++) {
      const [first, second] = [`${round}-1`, `${round}-2`];
      const group = { group: 'g', ordered: round % 2 === 0 };
      const batches = [
        [{ uniqueKey: second }, { uniqueKey: first, ...group }],
        [{ uniqueKey: first }, { uniqueKey: second, ...group }],
      ];
      const answers = await Promise.all(
        clients.map(async (client, n) => {
          await client.query('begin');
          const answer = await store.enqueues.insertIn(
            runOn(client),
            batches[n]!.map((job) => aNewJob(job)),
          );
          await client.query('commit');
          return answer;
        }),
      );
      expect(answers.flat().filter((answer) => answer.created)).toHaveLength(2);
      await store.test.rows.clear();
    }
    await Promise.all(clients.map((client) => client.end()));
  });

  const MODES = ['ignore', 'replace', 'debounce', 'throttle'] as const;
  const PAIRS = MODES.flatMap((a, n) => MODES.slice(n).map((b) => [a, b] as const));
  it.each(PAIRS)(
    'never deadlocks over two keys, %s and %s, beside the same in the other modes',
    async (a, b) => {
      const item = (mode: (typeof MODES)[number], uniqueKey: string, more = {}) =>
        aNewJob({
          uniqueKey,
          ...(mode === 'ignore' ? more : { conflict: mode, periodMs: DAY_MS }),
        });
      const clients = Array.from(
        { length: 3 },
        () => new pg.Client({ connectionString: store.test.database.url }),
      );
      await Promise.all(clients.map((client) => client.connect()));
      for (let round = 0; round < 24; round++) {
        // New, known, and known one of them; free and in ordered groups.
        if (round % 3 > 0) await store.test.rows.job({ uniqueKey: 'x' });
        if (round % 3 > 1) await store.test.rows.job({ uniqueKey: 'y' });
        const more = round % 2 ? { group: 'g', ordered: true } : {};
        const batches = [
          [item(a, 'x', more), item(b, 'y')],
          [item(b, 'x'), item(a, 'y', more)],
          [item(round % 4 < 2 ? a : b, round % 8 < 4 ? 'x' : 'y', more)],
        ];
        const answers = await Promise.all(
          clients.map(async (client, n) => {
            await client.query('begin');
            const answer = await store.enqueues.insertIn(
              runOn(client),
              round % 5 ? batches[n]! : batches[n]!.toReversed(),
            );
            await client.query('commit');
            return answer;
          }),
        );
        expect(answers.flat().filter((answer) => answer.created)).toHaveLength(2 - (round % 3));
        await store.test.rows.clear();
      }
      await Promise.all(clients.map((client) => client.end()));
    },
  );

  it('waits for a rival that holds the key and is not committed, and comes in when that rolls back', async () => {
    const rival = await Rival.connect(store.test.database);
    await rival.begin();
    await store.enqueues.insertIn(
      async (statement, values) => rival.query(statement.text, values) as never,
      [aNewJob({ uniqueKey: 'key' })],
    );

    const waiting = store.enqueues.insert([aNewJob({ uniqueKey: 'key' })]);
    await eventually(async () => expect(await waitingBackends(store.test.database)).toBe(1));
    await rival.rollback();
    await rival.close();

    expect(await waiting).toMatchObject([{ created: true }]);
    expect(await count()).toBe(1);
  });

  it('comes in at the second try when the holder ends between insert and look-up', async () => {
    const holder = await store.test.rows.job({ uniqueKey: 'key' });
    const { run } = store.test.storage.database.callers;
    let inserts = 0;
    const meddling: Run = async <Row>(statement: typeof ENQUEUE, values: unknown[]) => {
      const rows = await run<Row>(statement, values);
      if (statement === ENQUEUE && ++inserts === 1) await end(holder.id);
      return rows;
    };
    const job = aNewJob({ uniqueKey: 'key' });

    expect(await store.enqueues.insertIn(meddling, [job])).toEqual([
      { id: job.id, created: true, outcome: 'created' },
    ]);
    expect(inserts).toBe(2);
  });

  it('gives a clear error rather than a wrong answer when the holders of a key change for ever', async () => {
    let holder = await store.test.rows.job({ uniqueKey: 'key' });
    const { run } = store.test.storage.database.callers;
    const meddling: Run = async <Row>(statement: typeof ENQUEUE, values: unknown[]) => {
      if (statement === ENQUEUE && (await count()) === 0)
        holder = await store.test.rows.job({ uniqueKey: 'key' });
      const rows = await run<Row>(statement, values);
      if (statement === ENQUEUE) await end(holder.id);
      return rows;
    };
    await expect(
      store.enqueues.insertIn(meddling, [aNewJob({ uniqueKey: 'key' })]),
    ).rejects.toMatchObject({
      code: 'TRANSACTION_CONFLICT',
    });
  });

  it("remembers a caller's id that is being completed while it comes again", async () => {
    for (let round = 0; round < 10; round++) {
      const job = await store.test.rows.job({ state: 'running' });
      const success = { id: job.id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined };
      const wish = { claimId: store.ids.next(), lease: store.ids.next(), lanes: [], limit: 0 };
      const [, answers] = await Promise.all([
        store.test.storage.claims.settleAndClaim('w', [success], [job.claim], wish),
        store.enqueues.insert([aNewJob({ id: job.id, givenId: true })]),
      ]);
      expect(answers).toEqual([{ id: job.id, created: false, outcome: 'existing' }]);
      expect(await store.test.storage.jobs.find(job.id)).toMatchObject({ state: 'succeeded' });
    }
    expect(await count()).toBe(0);
  });

  it('knows the id of a job whose completion is not committed yet, and remembers it then', async () => {
    const rival = await Rival.connect(store.test.database);
    const job = await store.test.rows.job({ state: 'running' });
    await rival.begin();
    const success = { id: job.id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined };
    await store.test.storage.settlements.complete(
      async (statement, values) => rival.query(statement.text, values) as never,
      'w',
      success,
    );

    const again = () =>
      store.enqueues.insert([aNewJob({ id: job.id, givenId: true, uniqueKey: 'key' })]);
    expect(await again()).toEqual([{ id: job.id, created: false, outcome: 'existing' }]);
    await rival.commit();
    await rival.close();
    expect(await again()).toEqual([{ id: job.id, created: false, outcome: 'existing' }]);
    expect(await count()).toBe(0);
  });
});
