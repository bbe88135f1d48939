import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Run } from '../../../lib/storage/connection/connections.js';
import { REPLACE } from '../../../lib/storage/keys/replace.sql.js';
import { eventually } from '../../support/eventually.js';
import { aJobStore } from '../../support/job-store.js';
import { Rival, waitingBackends } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const HOUR_MS = 3_600_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

describe('replace and debounce against rivals', () => {
  const store = aJobStore({ payload: '{"new": true}', uniqueKey: 'key', conflict: 'replace' });
  const { aNewJob, find } = store;
  const debounced = (periodMs = HOUR_MS) =>
    aNewJob({ conflict: 'debounce', periodMs, delayMs: periodMs });
  const claim = () => {
    const ranges = [{ priority: -32_768, runAt: '-infinity', id: FIRST_ID, upto: 32_767 }];
    const wish = {
      claimId: randomUUID(),
      lease: randomUUID(),
      lanes: [{ lane: store.lane.id, wanted: 10, ranges }],
      limit: 10,
    };
    return store.test.storage.claims.settleAndClaim('w', [], [], wish);
  };
  const runOf =
    (rival: Rival): Run =>
    async (statement, values) =>
      rival.query(statement.text, values) as never;
  /** Connections of their own, as other processes have them. */
  async function withClients<T>(
    size: number,
    work: (clients: pg.Client[]) => Promise<T>,
  ): Promise<T> {
    const clients = Array.from(
      { length: size },
      () => new pg.Client({ connectionString: store.test.database.url }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    try {
      return await work(clients);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  }
  async function inTransaction<T>(client: pg.Client, work: (run: Run) => Promise<T>): Promise<T> {
    await client.query('begin');
    const result = await work(
      async (statement, values) => (await client.query(statement.text, values)).rows as never,
    );
    await client.query('commit');
    return result;
  }

  it('a claim and a replace of one job: the run has the payload that the caller was told of', async () => {
    for (let round = 0; round < 40; round++) {
      await store.test.rows.clear();
      const { id } = await store.test.rows.job({ uniqueKey: 'key' });
      const [{ jobs }, [answer]] = await Promise.all([claim(), store.enqueues.insert([aNewJob()])]);
      expect(answer).toMatchObject({ id, created: false });
      const claimed = jobs[0] ?? (await claim()).jobs[0]!;
      expect({ outcome: answer!.outcome, payload: claimed.payload }).toEqual(
        answer!.outcome === 'replaced'
          ? { outcome: 'replaced', payload: '{"new": true}' }
          : { outcome: 'running', payload: '{"n":1}' },
      );
      expect(await checkPlaces(store.test.storage)).toEqual([]);
    }
  });

  it('waits for a claim that is not committed, and says that the job runs', async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key' });
    const rival = await Rival.connect(store.test.database);
    await rival.begin();
    await rival.query('delete from simple_queue.ready');
    await rival.query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs) values (gen_random_uuid(), 0, gen_random_uuid(), array[$1::uuid], array[0])`,
      [id],
    );
    const waiting = store.enqueues.insert([aNewJob()]);
    await eventually(async () => expect(await waitingBackends(store.test.database)).toBe(1));
    await rival.commit();
    await rival.close();
    expect(await waiting).toEqual([{ id, created: false, outcome: 'running' }]);
    expect(await find(id)).toMatchObject({ state: 'running', payload: { n: 1 } });
  });

  it('a claim passes a job that is being replaced, and finds it after the commit', async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key' });
    const rival = await Rival.connect(store.test.database);
    await rival.begin();
    await store.enqueues.insertIn(runOf(rival), [aNewJob()]);
    expect((await claim()).jobs).toEqual([]);
    await rival.commit();
    await rival.close();
    expect((await claim()).jobs).toMatchObject([{ id, payload: '{"new": true}' }]);
  });

  it('debounce against promote: waits for the promoter and takes the job back from where it went', async () => {
    const { id } = await store.test.rows.job({
      state: 'scheduled',
      due: '-1 second',
      uniqueKey: 'key',
    });
    const rival = await Rival.connect(store.test.database);
    await rival.begin();
    await rival.query('delete from simple_queue.scheduled');
    await rival.query(
      `with moved as (update simple_queue.job set run_at = now() where id = $1 returning *)
      insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, shard, priority, run_at, id, epoch from moved`,
      [id],
    );
    const waiting = store.enqueues.insert([debounced()]);
    await eventually(async () => expect(await waitingBackends(store.test.database)).toBe(1));
    await rival.commit();
    await rival.close();
    expect(await waiting).toEqual([{ id, created: false, outcome: 'postponed' }]);
    expect(await find(id)).toMatchObject({ state: 'scheduled', payload: { new: true } });
  });

  it('debounce against promote, again and again: one place, the last payload', async () => {
    const { id } = await store.test.rows.job({
      state: 'scheduled',
      due: '-1 second',
      uniqueKey: 'key',
    });
    for (let round = 0; round < 60; round++) {
      const [[answer]] = await Promise.all([
        store.enqueues.insert([debounced(1)]),
        store.test.storage.claims.promote('-infinity', [store.lane.id]),
      ]);
      expect(answer).toEqual({ id, created: false, outcome: 'postponed' });
      expect(await checkPlaces(store.test.storage)).toEqual([]);
    }
  });

  it('a cancel and a replace: the job was replaced and cancelled, or a new one came in', async () => {
    for (let round = 0; round < 40; round++) {
      await store.test.rows.clear();
      const { id } = await store.test.rows.job({ uniqueKey: 'key' });
      const { run } = store.test.storage.database.callers;
      const [counts, [answer]] = await Promise.all([
        store.test.storage.cancels.byId(run, [id], { '': HOUR_MS }),
        store.enqueues.insert([aNewJob()]),
      ]);
      expect(counts).toEqual(expect.objectContaining({ requested: 0 }));
      expect(await find(answer!.id)).toMatchObject({ payload: { new: true } });
      if (answer!.outcome === 'created')
        expect(await find(id)).toMatchObject({ state: 'cancelled', payload: { n: 1 } });
      else expect(answer).toEqual({ id, created: false, outcome: 'replaced' });
    }
  });

  it('two replaces: both are told so, one after the other, and nobody is chased for ever by twenty', async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key' });
    const told = await withClients(20, (clients) =>
      Promise.all(
        clients.map(async (client, caller) => {
          const outcomes: string[] = [];
          for (let n = 0; n < 15; n++) {
            const job = n % 2 ? debounced() : aNewJob({ payload: `${caller}` });
            const [answer] = await inTransaction(client, (run) =>
              store.enqueues.insertIn(run, [job]),
            );
            expect(answer!.id).toBe(id);
            outcomes.push(answer!.outcome);
          }
          return outcomes;
        }),
      ),
    );
    expect(new Set(told.flat())).toEqual(new Set(['replaced', 'postponed']));
    expect((await store.test.database.query('select from simple_queue.job')).length).toBe(1);
  });

  it.each([
    ['a few keys', 60],
    ['more keys than locks', 400],
  ])('never deadlocks over %s in opposite orders', async (_, size) => {
    const batch = () => Array.from({ length: size }, (__, n) => aNewJob({ uniqueKey: `key-${n}` }));
    await store.enqueues.insert(batch().slice(0, size / 2));
    const answers = await withClients(8, (clients) =>
      Promise.all(
        clients.map((client, n) =>
          inTransaction(client, (run) =>
            store.enqueues.insertIn(run, n % 2 ? batch() : batch().toReversed()),
          ),
        ),
      ),
    );
    expect(answers.flat().filter(({ created }) => created)).toHaveLength(size / 2);
    expect(answers.flat().filter(({ outcome }) => outcome === 'replaced')).toHaveLength(
      8 * size - size / 2,
    );
  });

  it('stores a new job when the holder ends between insert and replace', async () => {
    const { id } = await store.test.rows.job({ uniqueKey: 'key' });
    let replaces = 0;
    const job = aNewJob();
    const answers = await store.test.storage.database.callers.transaction((run) => {
      const meddling: Run = async (statement, values) => {
        if (statement === REPLACE && ++replaces === 1)
          await store.test.storage.cancels.byId(store.test.storage.database.loops.run, [id], {
            '': HOUR_MS,
          });
        return run(statement, values);
      };
      return store.enqueues.insertIn(meddling, [job]);
    });
    expect(answers).toEqual([{ id: job.id, created: true, outcome: 'created' }]);
  });

  it('gives a clear error rather than a wrong answer when the job moves for ever', async () => {
    await store.test.rows.job({ state: 'scheduled', due: '-1 second', uniqueKey: 'key' });
    const { run } = store.test.storage.database.callers;
    const meddling: Run = async <Row>(statement: typeof REPLACE, values: unknown[]) =>
      statement === REPLACE ? ([] as Row[]) : run<Row>(statement, values);
    await expect(store.enqueues.insertIn(meddling, [aNewJob()])).rejects.toMatchObject({
      code: 'TRANSACTION_CONFLICT',
    });
  });

  it('waits no longer for an ignored key than before: an open replace holds it, and no other', async () => {
    await store.test.rows.job({ uniqueKey: 'key' });
    const rival = await Rival.connect(store.test.database);
    await rival.begin();
    await store.enqueues.insertIn(runOf(rival), [aNewJob()]);
    expect(await store.enqueues.insert([aNewJob({ uniqueKey: 'other' })])).toMatchObject([
      { outcome: 'created' },
    ]);
    const waiting = store.enqueues.insert([aNewJob({ conflict: undefined })]);
    await eventually(async () => expect(await waitingBackends(store.test.database)).toBe(1));
    await rival.commit();
    await rival.close();
    expect(await waiting).toMatchObject([{ outcome: 'existing' }]);
  });
});
