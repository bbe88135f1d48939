import { Injectable, type DynamicModule } from '@nestjs/common';
import { Transactional, TransactionHost, ClsPluginTransactional } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { getDataSourceToken } from '@nestjs/typeorm';
import { ClsModule } from 'nestjs-cls';
import {
  Job,
  JobContext,
  QueueHandler,
  QueueService,
  SimpleQueueModule,
  type JobHandler,
} from 'nestjs-simple-queue';
import { Order, Receipt } from './order.js';

// #region module
type Host = TransactionHost<TransactionalAdapterTypeOrm>;

export const transactions = (): DynamicModule =>
  ClsModule.forRoot({
    plugins: [
      new ClsPluginTransactional({
        adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() }),
      }),
    ],
  });

export const queue = (): DynamicModule =>
  SimpleQueueModule.forRootAsync({
    inject: [TransactionHost],
    // Asked at each call: inside a transaction `tx` is its EntityManager.
    useFactory: (host: Host) => ({ transaction: () => host.tx }),
  });
// #endregion

// #region service
@Injectable()
export class OrdersService {
  constructor(
    private readonly host: TransactionHost<TransactionalAdapterTypeOrm>,
    private readonly queues: QueueService,
  ) {}

  /** The order and its job are stored together, or not at all; neither call names the transaction. */
  @Transactional()
  async place(order: Order): Promise<string> {
    await this.host.tx.insert(Order, order);
    const { id } = await this.queues.enqueue('receipts', { orderId: order.id });
    return id;
  }
}
// #endregion

// #region handler
@QueueHandler('receipts')
export class WriteReceipt implements JobHandler<{ orderId: string }> {
  constructor(private readonly host: TransactionHost<TransactionalAdapterTypeOrm>) {}

  /** The receipt, the job's completion and the next job commit together. */
  @Transactional()
  async process(job: Job<{ orderId: string }>, context: JobContext): Promise<void> {
    const { orderId } = job.payload;
    await this.host.tx.insert(Receipt, { orderId, text: `Paid: ${orderId}` });
    await context.enqueue('letters', { orderId });
    await context.complete();
  }
}
// #endregion
