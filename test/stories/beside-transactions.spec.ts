import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Column, Entity, PrimaryColumn, type DataSource } from 'typeorm';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { QueueService } from '../../lib/queue.service.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';

@Entity()
class Invoice {
  @PrimaryColumn()
  id!: number;

  @Column()
  paid!: boolean;
}

describe('with warnOutsideTransaction', () => {
  let database: TestDatabase;
  let application: TestApplication;
  let queues: QueueService;
  let dataSource: DataSource;
  let called = 0;

  beforeAll(async () => {
    database = await aDatabase();
    application = await anApplication(database, {
      options: { warnOutsideTransaction: true },
      typeorm: { entities: [Invoice], synchronize: true } as never,
      providers: [
        aHandler('transactional', () => queues.enqueue('handler', 1), { transactional: true }),
      ],
    });
    ({ queues, dataSource } = application);
  });
  beforeEach(() => {
    called++;
    application.seen('warning').length = 0;
  });
  afterAll(() => database.drop());

  /** Said once of a queue, so each test has its own. */
  const queue = () => `queue-${called}`;
  const warned = () =>
    application
      .seen('warning')
      .filter(({ code }) => code === 'OUTSIDE_TRANSACTION')
      .map(({ message }) => /queue "(\S+)"/.exec(message)?.[1]);
  const Template = defineJob({ queue: 'templated' });

  it('an enqueue that forgets the manager is warned about, once of a queue', async () => {
    await dataSource.transaction(async () => {
      await queues.enqueue(queue(), 1);
      await queues.enqueueMany(queue(), [{ payload: 2 }, { payload: 3 }]);
      await queues.enqueue(queue(), 4, { uniqueKey: 'one' });
      await queues.enqueue(Template, 5);
    });
    expect(warned()).toEqual([queue(), 'templated']);
  });

  it('so is one inside a transaction that was begun by hand', async () => {
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query('select 1');
    await queues.enqueue(queue(), 1);
    await runner.rollbackTransaction();
    await runner.release();
    expect(warned()).toEqual([queue()]);
  });

  it("so is one inside a repository's transaction, also in a savepoint or beside a second transaction", async () => {
    await dataSource.getRepository(Invoice).manager.transaction((outer) =>
      outer.transaction(async () => {
        await dataSource.transaction((manager) => manager.query('select 1'));
        await queues.enqueue(queue(), 1);
      }),
    );
    expect(warned()).toEqual([queue()]);
  });

  it('so is one of a transactional handler that is not made by its context', async () => {
    await queues.enqueue('transactional', 1);
    await application.worker.runUntilEmpty();
    expect(warned()).toEqual(['handler']);
  });

  it('one that joins is not, nor one beside, before or after a transaction', async () => {
    const runner = dataSource.createQueryRunner();
    await queues.enqueue(queue(), 1);
    const inside = dataSource.transaction(async (manager) => {
      await queues.enqueue(queue(), 2, { manager });
      await manager.transaction((nested) =>
        queues.enqueueMany(queue(), [{ payload: 3 }], { manager: nested }),
      );
    });
    await Promise.all([inside, queues.enqueue(queue(), 4)]);
    await runner.startTransaction();
    await queues.enqueue(queue(), 5, { manager: runner });
    await runner.commitTransaction();
    await queues.enqueue(queue(), 6);
    await runner.release();
    await dataSource.getRepository(Invoice).save({ id: 1, paid: true });
    await queues.enqueue(queue(), 7);
    expect(warned()).toEqual([]);
  });

  it('the DataSource is left as it was when the application closes, and is not touched without the option', async () => {
    const own = () => [
      Object.hasOwn(dataSource, 'createQueryRunner'),
      Object.hasOwn(dataSource.manager, 'transaction'),
    ];
    expect(own()).toEqual([true, true]);
    await application.close();
    expect(own()).toEqual([false, false]);
    const plain = await anApplication(database, { options: { worker: false } });
    ({ dataSource } = plain);
    expect(own()).toEqual([false, false]);
    await plain.close();
  });
});
