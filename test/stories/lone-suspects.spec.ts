import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aHandler, anApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { checkPlaces } from '../support/check-places.js';

const suspectAll = (suspicion: number): string => `
  with moved as (delete from simple_queue.ready returning *),
  marked as (update simple_queue.job set suspicion = ${suspicion})
  insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch) select lane, shard, ${suspicion}, run_at, id, epoch from moved`;

describe('suspects', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await aDatabase();
  });

  afterAll(() => database.drop());

  it('run alone after three crashes, one after another, each when the end of the one before is stored', async () => {
    const stored: number[] = [];
    let running = 0;
    let together = 0;
    const handler = aHandler('work', async () => {
      together = Math.max(together, ++running);
      const [row] = await database.query<{ live: number }>(
        'select count(*)::int as live from simple_queue.job',
      );
      stored.push(row!.live);
      running--;
    });
    const application = await anApplication(database, {
      providers: [handler],
      options: { worker: { autoStart: false } },
    });
    await application.queues.enqueueMany('work', [{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
    await database.query(suspectAll(3));

    const counts = await application.worker.runUntilEmpty();

    expect(counts).toMatchObject({ succeeded: 3, failed: 0 });
    expect(stored).toEqual([3, 2, 1]);
    expect(together).toBe(1);
    expect(await checkPlaces(application.storage)).toEqual([]);
    await application.close();
  });

  it.each([1, 3])(
    'do not start when their cancel was requested while an answer was lost (suspicion %i)',
    async (suspicion) => {
      const ran: unknown[] = [];
      const handler = aHandler('lost', (job) => void ran.push(job.payload));
      const application = await anApplication(database, {
        providers: [handler],
        options: { worker: { autoStart: false } },
      });
      const [, cancelled] = await application.queues.enqueueMany('lost', [
        { payload: 'runs' },
        { payload: 'cancelled' },
      ]);
      await database.query(suspectAll(suspicion));
      await database.query('update simple_queue.job set cancel_at = now() where id = $1', [
        cancelled!.id,
      ]);

      await application.worker.runUntilEmpty();

      expect(ran).toEqual(['runs']);
      expect(await application.queues.find(cancelled!.id)).toMatchObject({
        state: 'cancelled',
        attempt: 0,
      });
      await application.close();
    },
  );

  it('of degree 2 run beside a backlog that keeps all slots busy, as soon as slots come free', async () => {
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const handler = aHandler('busy', (job) => {
      started.push(job.payload);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
    const options = { queues: { busy: { concurrency: 4 } }, worker: { autoStart: false } };
    const application = await anApplication(database, { providers: [handler], options });
    await application.queues.enqueue('busy', 'suspect');
    await database.query(suspectAll(2));
    await application.queues.enqueueMany(
      'busy',
      Array.from({ length: 40 }, (_, n) => ({ payload: `other ${n}` })),
    );
    await application.worker.start();
    // It has been claimed, and waits for a slot.
    await eventually(async () =>
      expect(await database.query('select from simple_queue.suspect')).toEqual([]),
    );

    for (let ended = 0; !started.includes('suspect'); ended++) {
      await eventually(() => started.length >= 4 + ended);
      ends[ended]!();
    }

    expect(started.indexOf('suspect')).toBeLessThan(12);
    for (let ended = 0; ended < 41; ended++) {
      await eventually(() => ends.length > ended);
      ends[ended]!();
    }
    await application.close();
  });

  it('that run alone do so beside a handler that hangs, and other queues go on', async () => {
    const hangs = aGate();
    const seen = { alone: 0, quick: 0, hung: 0 };
    const providers = [
      aHandler('hung', () => (seen.hung++, hangs.passed)),
      aHandler('alone', () => void seen.alone++),
      aHandler('quick', () => void seen.quick++),
    ];
    const application = await anApplication(database, {
      providers,
      options: { worker: { autoStart: false } },
    });
    await application.queues.enqueue('alone', {});
    await database.query(suspectAll(3));
    await application.queues.enqueue('hung', {});
    await application.worker.start();
    await eventually(() => seen.hung === 1);
    await application.queues.enqueue('quick', {});

    await eventually(() => expect(seen).toEqual({ alone: 1, quick: 1, hung: 1 }), {
      timeoutMs: 20_000,
    });

    hangs.open();
    await application.close();
  });
});
