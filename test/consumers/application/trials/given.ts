import { QueueService } from 'nestjs-simple-queue';
import assert from 'node:assert/strict';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { database, queue, tryOut } from './trial.js';

type Work = (manager: EntityManager | QueryRunner) => Promise<string>;

const byHand: (dataSource: DataSource, work: Work) => Promise<string> = async (
  dataSource,
  work,
) => {
  const runner = dataSource.createQueryRunner();
  await runner.startTransaction();
  try {
    const answer = await work(runner);
    await runner.commitTransaction();
    return answer;
  } catch (error) {
    await runner.rollbackTransaction();
    throw error;
  } finally {
    await runner.release();
  }
};

/** How an application may open a transaction, and hand it on. */
const WAYS: ((dataSource: DataSource, work: Work) => Promise<string>)[] = [
  (dataSource, work) => dataSource.transaction(work),
  (dataSource, work) => dataSource.transaction('SERIALIZABLE', work),
  (dataSource, work) => dataSource.transaction((outer) => outer.transaction(work)),
  byHand,
  (dataSource, work) => byHand(dataSource, (runner) => work((runner as QueryRunner).manager)),
];

/** What is enqueued with a manager or a query runner goes with its transaction; one without a transaction is refused. */
export const joinsWhatIsGiven = () =>
  tryOut({ imports: [database(), queue()] }, async (app) => {
    const [dataSource, queues] = [app.get(DataSource), app.get(QueueService)];
    for (const within of WAYS) {
      const enqueue: Work = async (manager) => (await queues.enqueue('orders', {}, { manager })).id;
      assert.equal((await queues.find(await within(dataSource, enqueue)))?.queue, 'orders');
      let undone = '';
      const failing: Work = async (manager) => {
        undone = await enqueue(manager);
        throw new Error('no stock');
      };
      await assert.rejects(within(dataSource, failing), /no stock/);
      assert.equal(await queues.find(undone), undefined);
    }
    const { manager } = dataSource;
    await assert.rejects(queues.enqueue('orders', {}, { manager }), { code: 'MANAGER_INACTIVE' });
  });
