import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { COUNT_PENDING } from '../../../lib/storage/enqueue/count-pending.sql.js';
import { DECLARE_LIMIT } from '../../../lib/storage/limits/declare-limit.sql.js';
import { LIST_WAITING_LANES } from '../../../lib/storage/diagnosis/list-waiting-lanes.sql.js';
import { SAMPLE_PAYLOADS } from '../../../lib/storage/diagnosis/sample-payloads.sql.js';
import { NOTE_UNUSED_LANES } from '../../../lib/storage/lanes/unused-lanes.sql.js';
import type { Statement } from '../../../lib/storage/connection/statement.js';
import { ADVANCE_TIME } from '../../../lib/testing/sql/advance-time.sql.js';
import { PLACES } from '../../support/places.js';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const TURNS = ['vacant', 'head', 'permit'];

/** What those who look in from outside are told of the only job that stands in a place. */
const DOORS = {
  ready: { state: 'ready', reason: 'NO_WORKER', stats: 'ready', waits: 1 },
  fair_ready: { state: 'ready', reason: 'NO_WORKER', stats: 'ready', waits: 1 },
  suspect: { state: 'ready', reason: 'NO_WORKER', stats: 'ready', waits: 1 },
  scheduled: { state: 'scheduled', reason: 'NO_WORKER', stats: 'scheduled', waits: 1 },
  blocked: { state: 'blocked', reason: 'BLOCKED', stats: 'blocked', waits: 1 },
  keyed: { state: 'blocked', reason: 'KEY_FULL', stats: 'blocked', waits: 1 },
  staged: { state: 'staged', reason: 'NO_WORKER', stats: 'staged', waits: 1 },
  claim: { state: 'running', reason: 'LEASE_LOST', stats: 'running', waits: 0 },
  archive: { state: 'cancelled', reason: 'ENDED', stats: undefined, waits: 0 },
  dead_letter: { state: 'failed', reason: 'ENDED', stats: 'deadLetters', waits: 0 },
} as const;

type Place = keyof typeof DOORS;
const cases = Object.entries(DOORS) as [Place, (typeof DOORS)[Place]][];

describe('from outside, of a job in each place', () => {
  let test: TestStorage;
  let admin: QueueAdmin;
  let enqueuer: Enqueuer;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
    enqueuer = new Enqueuer(
      test.storage,
      resolveOptions({
        queues: { fair: { fair: true }, keyed: { perKey: { by: 'tenant', concurrency: 1 } } },
      }).options,
      test.events,
    );
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const run = <Row>(statement: Statement, ...values: unknown[]) =>
    test.storage.database.callers.run<Row>(statement, values);
  const enqueue = async (options: Partial<EnqueueItem> = {}, queue = 'plain') =>
    (await enqueuer.enqueue(queue, { payload: 'mine', name: 'own', ...options }, {})).id;
  const cancel = (id: string) =>
    test.storage.cancels.byId(test.storage.database.callers.run, [id], { '': DAY_MS });
  const bury = async ({ id, epoch }: { id: string; epoch: number }) => {
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS } as const;
    await test.storage.settlements.bury('w', [{ id, epoch, verdict }]);
    await test.database.query('delete from simple_queue.claim');
    return id;
  };
  const row = (state: 'suspect' | 'running') =>
    test.rows.job({ queue: 'plain', name: 'own', state, payload: 'mine', lease: randomUUID() });

  const MAKE: Record<Place, () => Promise<string>> = {
    ready: () => enqueue(),
    fair_ready: () => enqueue({ group: 'a' }, 'fair'),
    suspect: async () => (await row('suspect')).id,
    scheduled: () => enqueue({ delayMs: 60_000 }),
    blocked: async () => {
      await enqueue({ name: 'other', group: 'a', ordered: true });
      return enqueue({ group: 'a', ordered: true });
    },
    keyed: async () => {
      await run(DECLARE_LIMIT, 0, 'keyed/*', true, 1, null, null, null, null, false, '{}', null);
      await enqueue({ name: 'other', payload: { tenant: 'a' } }, 'keyed');
      await test.storage.keys.handPermits();
      return enqueue({ payload: { tenant: 'a' } }, 'keyed');
    },
    staged: () => enqueue({ staged: true }),
    claim: async () => (await row('running')).id,
    archive: async () => {
      const id = await enqueue();
      await cancel(id);
      return id;
    },
    dead_letter: async () => bury(await row('running')),
  };
  /** The job, its queue, and its lane. */
  const made = async (place: Place) => {
    const id = await MAKE[place]();
    const { queue } = (await admin.job(id))!;
    const lane = await test.rows.lane(queue, 'own');
    return { id, queue, lane };
  };

  it('there are as many as the table of places has columns', () => {
    expect([...Object.keys(DOORS), ...TURNS].toSorted()).toEqual(PLACES.toSorted());
  });

  it.each(cases)(
    '%s: it is found, listed, counted and explained',
    async (place, { state, reason, stats }) => {
      const { id, queue } = await made(place);
      const [{ n }] = (await test.database.query<{ n: number }>(
        place === 'claim'
          ? 'select count(*)::int as n from simple_queue.claim where $1 = any(jobs)'
          : `select count(*)::int as n from simple_queue.${place} where id = $1`,
        [id],
      )) as [{ n: number }];
      expect(n).toBe(1);
      expect(await admin.job(id)).toMatchObject({ state });
      expect((await admin.jobs({ queue, name: 'own' })).jobs).toMatchObject([{ id, state }]);
      expect((await admin.jobs({ queue, name: 'own', state })).jobs).toMatchObject([{ id }]);
      expect((await admin.explain(id)).reasons[0]).toMatchObject({ code: reason });
      const counts = (await admin.stats(queue)) as unknown as Record<string, { jobs: number }>;
      if (stats) expect(counts[stats]).toMatchObject({ jobs: 1 });
    },
  );

  it.each(cases)(
    '%s: limits, the doctor and the janitor know that it waits, or does not',
    async (place, { state, waits }) => {
      const { queue, lane } = await made(place);
      const others = ['blocked', 'keyed'].includes(place) ? 1 : 0;
      expect(await run(COUNT_PENDING, 0, lane.queueId, 10, lane.id, 1)).toMatchObject([
        { pending: waits + others },
      ]);
      const waiting = await run<{ queue: string; name: string; jobs: number }>(
        LIST_WAITING_LANES,
        0,
        10,
      );
      expect(waiting.filter(({ name }) => name === 'own')).toMatchObject(
        waits ? [{ queue, jobs: 1 }] : [],
      );
      expect(await run(SAMPLE_PAYLOADS, 0, [lane.id], 10)).toMatchObject(
        waits ? [{ payload: place === 'keyed' ? '{"tenant":"a"}' : '"mine"' }] : [],
      );
      await test.database.query(
        `update simple_queue.lane set created_at = now() - interval '2 hours', unused_at = null`,
      );
      await run(NOTE_UNUSED_LANES, 0, -1, 100);
      const [note] = await test.database.query(
        `select unused_at is null as used from simple_queue.lane where id = $1`,
        [lane.id],
      );
      expect(note).toEqual({ used: !['cancelled', 'failed'].includes(state) });
    },
  );

  it.each(cases)(
    '%s: time passes for it, and a cancel ends it or asks it to stop',
    async (place, { waits }) => {
      const { id } = await made(place);
      await run(ADVANCE_TIME, 0, 1_000);
      expect(await checkPlaces(test.storage)).toEqual([]);
      expect(await cancel(id)).toEqual({ cancelled: waits, requested: place === 'claim' ? 1 : 0 });
      expect((await admin.job(id))?.state).toBe(waits ? 'cancelled' : DOORS[place].state);
    },
  );
});
