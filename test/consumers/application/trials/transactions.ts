import {
  ClsPluginTransactional,
  Transactional as ClsTransactional,
  TransactionHost,
} from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { ClsModule } from 'nestjs-cls';
import { QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import assert from 'node:assert/strict';
import { DataSource } from 'typeorm';
import { addTransactionalDataSource, Transactional } from 'typeorm-transactional';
import { DATABASE, database, queue, tryOut } from './trial.js';

/** Of a job that nobody works. */
class Orders {
  id = '';

  constructor(protected readonly queues: QueueService) {}

  protected async enqueueAnd(fail: boolean): Promise<string> {
    this.id = (await this.queues.enqueue('orders', {})).id;
    if (fail) throw new Error('no stock');
    return this.id;
  }
}

@Injectable()
class OrdersWithCls extends Orders {
  constructor(queues: QueueService) {
    super(queues);
  }

  @ClsTransactional()
  place(fail: boolean): Promise<string> {
    return this.enqueueAnd(fail);
  }
}

@Injectable()
class OrdersWithTypeOrm extends Orders {
  constructor(queues: QueueService) {
    super(queues);
  }

  @Transactional()
  place(fail: boolean): Promise<string> {
    return this.enqueueAnd(fail);
  }
}

function tryPlacing(
  Service: typeof OrdersWithCls | typeof OrdersWithTypeOrm,
  imports: ModuleMetadata['imports'],
): Promise<void> {
  return tryOut({ imports, providers: [Service] }, async (app) => {
    const [orders, queues] = [app.get(Service), app.get(QueueService)];
    assert.equal((await queues.find(await orders.place(false)))?.queue, 'orders');
    await assert.rejects(orders.place(true), /no stock/);
    assert.equal(await queues.find(orders.id), undefined);
  });
}

/** What is enqueued in a method with `@Transactional()` goes with its transaction. */
export const joinsTransactions = async () => {
  const adapter = new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() });
  const cls = ClsModule.forRoot({
    plugins: [new ClsPluginTransactional({ imports: [database()], adapter })],
  });
  const withHost = SimpleQueueModule.forRootAsync({
    inject: [TransactionHost],
    useFactory: (host: TransactionHost<TransactionalAdapterTypeOrm>) => ({
      transaction: () => host.tx,
    }),
  });
  await tryPlacing(OrdersWithCls, [database(), cls, withHost]);
  const transactional = TypeOrmModule.forRootAsync({
    useFactory: () => DATABASE,
    dataSourceFactory: async (options) => addTransactionalDataSource(new DataSource(options!)),
  });
  await tryPlacing(OrdersWithTypeOrm, [transactional, queue()]);
};
