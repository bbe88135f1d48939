import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aHandler, anApplication } from '../support/application.js';
import { aDatabase, type TestDatabase } from '../support/database.js';

const SUSPECT_ALL = `
  with moved as (delete from simple_queue.ready returning *),
  marked as (update simple_queue.job set suspicion = 2)
  insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch) select lane, shard, 2, run_at, id, epoch from moved`;

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
    await database.query(SUSPECT_ALL);

    const counts = await application.worker.runUntilEmpty();

    expect(counts).toMatchObject({ succeeded: 3, failed: 0 });
    expect(stored).toEqual([3, 2, 1]);
    expect(together).toBe(1);
    expect(await application.storage.jobs.checkPlaces()).toEqual([]);
    await application.close();
  });
});
