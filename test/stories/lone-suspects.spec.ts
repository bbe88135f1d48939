import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aHandler, anApplication } from '../support/application.js';
import { aDatabase, type TestDatabase } from '../support/database.js';

const suspectAll = (suspicion: number): string => `
  with moved as (delete from simple_queue.ready returning *),
  marked as (update simple_queue.job set suspicion = ${suspicion})
  insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch) select lane, shard, ${suspicion}, run_at, id, epoch from moved`;

describe('jobs that were in flight at two crashes', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await aDatabase();
  });

  afterAll(() => database.drop());

  it('run one after another, each when the end of the one before is stored', async () => {
    const stored: number[] = [];
    let running = 0;
    let together = 0;
    const handler = aHandler('work', async () => {
      together = Math.max(together, ++running);
      const [row] = await database.query<{ live: number }>('select count(*)::int as live from simple_queue.job');
      stored.push(row!.live);
      running--;
    });
    const application = await anApplication(database, { providers: [handler], options: { worker: { autoStart: false } } });
    await application.queues.enqueueMany('work', [{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
    await database.query(suspectAll(2));

    const counts = await application.worker.runUntilEmpty();

    expect(counts).toMatchObject({ succeeded: 3, failed: 0 });
    expect(stored).toEqual([3, 2, 1]);
    expect(together).toBe(1);
    expect(await application.storage.jobs.checkPlaces()).toEqual([]);
    await application.close();
  });

  it.each([1, 2])('do not start when their cancel was requested while an answer was lost (suspicion %i)', async (suspicion) => {
    const ran: unknown[] = [];
    const handler = aHandler('lost', (job) => void ran.push(job.payload));
    const application = await anApplication(database, { providers: [handler], options: { worker: { autoStart: false } } });
    const [, cancelled] = await application.queues.enqueueMany('lost', [{ payload: 'runs' }, { payload: 'cancelled' }]);
    await database.query(suspectAll(suspicion));
    await database.query('update simple_queue.job set cancel_at = now() where id = $1', [cancelled!.id]);

    await application.worker.runUntilEmpty();

    expect(ran).toEqual(['runs']);
    expect(await application.queues.find(cancelled!.id)).toMatchObject({ state: 'cancelled', attempt: 0 });
    await application.close();
  });
});
