import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import { checkedJob } from '../../lib/enqueue/new-job.js';
import type { EnqueueItem } from '../../lib/job/enqueue-options.js';
import type { NewJob } from '../../lib/job/new-job.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import { MAX_BYTES } from '../../lib/storage/enqueue/chunks.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import { aStorage, joining, type TestStorage } from '../support/storage.js';
import { checkPlaces } from '../support/check-places.js';
import { aGate } from '../support/gate.js';

const COUNT = 11_000;

describe('a large batch', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'off' });
    enqueuer = new Enqueuer(
      test.storage,
      resolveOptions({ maxPayloadBytes: 1_000 }).options,
      test.events,
    );
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const items = (more: (n: number) => Partial<EnqueueItem> = () => ({})): EnqueueItem[] =>
    Array.from({ length: COUNT }, (_, n) => ({ payload: { n }, ...more(n) }));
  const stored = () =>
    test.database.query<{
      id: string;
      n: number;
      name: string;
      priority: number;
      fingerprint: string | null;
    }>(
      `select j.id, (j.payload->>'n')::int as n, l.name, j.priority, j.fingerprint from simple_queue.ready r
       join simple_queue.job j on j.id = r.id join simple_queue.lane l on l.id = j.lane
       where r.lane = j.lane and r.priority = j.priority and r.run_at = j.run_at order by r.run_at, r.id`,
    );

  it('is stored in the order of the array, with what its items say', async () => {
    const answers = await enqueuer.enqueueMany(
      'mail',
      items((n) =>
        n % 3 === 0 ? { name: 'letter', priority: n % 7, fingerprint: `tag-${n % 5}` } : {},
      ),
      {},
    );

    const rows = await stored();
    expect(rows.map((row) => row.id)).toEqual(answers.map((answer) => answer.id));
    expect(rows.map((row) => row.n)).toEqual(Array.from({ length: COUNT }, (_, n) => n));
    expect(rows[9]).toMatchObject({ name: 'letter', priority: 2, fingerprint: 'tag-4' });
    expect(rows[10]).toMatchObject({ name: '', priority: 0, fingerprint: null });
    expect(answers[0]).toMatchObject({ created: true, outcome: 'created' });
  });

  it('with a bad item is not stored at all, and says which it was', async () => {
    const batch = items((n) => (n === COUNT - 1 ? { payload: 2n } : {}));
    await expect(enqueuer.enqueueMany('mail', batch, {})).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      message: expect.stringContaining(`Item ${COUNT - 1}`),
    });
    expect(await stored()).toEqual([]);
    await expect(
      enqueuer.enqueueMany('mail', [...items(), null as never], {}),
    ).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('is the array as it was at the call', async () => {
    const batch = items();
    const answers = enqueuer.enqueueMany('mail', batch, {});
    batch.length = 0;
    expect(await answers).toHaveLength(COUNT);
  });

  it('lets others have their turn while it is read', async () => {
    let turns = 0;
    const turn = (): void => {
      turns++;
      timer = setImmediate(turn);
    };
    let timer = setImmediate(turn);
    await enqueuer.enqueueMany('mail', items(), {});
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(20);
  });

  it('leaves connections for others, however many there are and however long they take', async () => {
    const lane = await test.storage.lanes.of('mail', '');
    const ids = new Uuid7();
    const limits = { maxPayloadBytes: MAX_BYTES, newId: () => ids.next() };
    const heavy = 'x'.repeat(MAX_BYTES - 1_000);
    const job = (payload: unknown): NewJob =>
      Object.assign(checkedJob('mail', payload, {}, limits), { lane });
    const gate = aGate();
    async function* slowly(): AsyncGenerator<NewJob[]> {
      yield [job(1)];
      await gate.passed;
      yield [job(heavy)];
    }
    const batches = Array.from({ length: 8 }, () => test.storage.enqueues.insertChunks(slowly()));
    await test.storage.enqueues.insert([job(2)]);
    await test.storage.enqueues.insert([job(heavy)]);
    gate.open();
    await Promise.all(batches);
    expect(await stored()).toHaveLength(18);
  });

  it('wakes its lanes once, and tells who listens', async () => {
    await test.storage.lanes.of('mail', 'letter');
    const heard: Signal[] = [];
    const told: string[] = [];
    const stops = [
      test.storage.signals.receive((signal) => void heard.push(signal)),
      test.events.on('enqueued', ({ name }) => void told.push(name)),
    ];
    await enqueuer.enqueueMany(
      'mail',
      items((n) => (n === 1 ? { name: 'letter' } : {})),
      {},
    );
    for (const stop of stops) stop();
    const idOf = (name: string) => test.storage.lanes.find('mail', name)!.id;
    expect(heard).toMatchObject([{ lanes: [idOf(''), idOf('letter')] }]);
    expect(told).toHaveLength(COUNT);
    expect(told[1]).toBe('letter');
  });

  it('of a transaction is read before anything is written', async () => {
    const batch = items((n) => (n === COUNT - 1 ? { payload: 2n } : {}));
    await test.dataSource.transaction(async (manager) => {
      await expect(
        enqueuer.enqueueMany('mail', batch, joining(test.storage, manager)),
      ).rejects.toMatchObject({
        code: 'INVALID_PAYLOAD',
      });
      await enqueuer.enqueueMany('mail', items(), joining(test.storage, manager));
    });
    expect(await stored()).toHaveLength(COUNT);
  });
});
