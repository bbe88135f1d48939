import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { checkPlaces } from '../support/check-places.js';

describe('the main job', () => {
  let database: TestDatabase;
  let application: TestApplication | undefined;

  beforeAll(async () => {
    database = await anEmptyDatabase();
  });

  afterEach(async () => {
    expect(await checkPlaces(application!.storage)).toEqual([]);
    await application?.close();
    application = undefined;
  });

  afterAll(() => database.drop());

  it('runs what was enqueued in a transaction that committed, and keeps it with its output', async () => {
    application = await anApplication(database, {
      providers: [aHandler('receipts', (job) => ({ got: job.payload }))],
    });
    const { queues, dataSource } = application;

    const { id } = await dataSource.transaction((manager) =>
      queues.enqueue('receipts', { orderId: 7 }, { manager }),
    );

    const job = await eventually(async () => {
      const found = await queues.find(id);
      expect(found?.state).toBe('succeeded');
      return found!;
    });
    expect(job).toMatchObject({
      queue: 'receipts',
      payload: { orderId: 7 },
      output: { got: { orderId: 7 } },
      attempt: 1,
    });
  });

  it('knows nothing of a job whose transaction rolled back', async () => {
    application = await anApplication(database, {
      providers: [aHandler('receipts', () => undefined)],
    });
    const { queues, dataSource } = application;
    let id = '';

    const order = dataSource.transaction(async (manager) => {
      ({ id } = await queues.enqueue('receipts', {}, { manager }));
      throw new Error('bad order');
    });

    await expect(order).rejects.toThrow('bad order');
    expect(await queues.find(id)).toBeUndefined();
  });

  it('drains a thousand jobs', async () => {
    let ran = 0;
    application = await anApplication(database, {
      providers: [aHandler('many', () => void ran++)],
    });

    await application.queues.enqueueMany(
      'many',
      Array.from({ length: 1_000 }, (_, n) => ({ payload: { n } })),
    );

    await eventually(() => expect(application!.seen('succeeded').length).toBe(1_000));
    expect(ran).toBe(1_000);
  });
});
