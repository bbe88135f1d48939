import { Injectable, type DynamicModule } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  Job,
  JobContext,
  QueueHandler,
  QueueService,
  SimpleQueueModule,
  type JobHandler,
} from 'nestjs-simple-queue';
import { DataSource, Repository, type DataSourceOptions } from 'typeorm';
import {
  addTransactionalDataSource,
  initializeTransactionalContext,
  StorageDriver,
  Transactional,
} from 'typeorm-transactional';
import { Order, Receipt } from './order.js';

// #region module
/** In main.ts, before the application is made. */
export function beforeTheApplication(): void {
  initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE });
}

export const database = (options: DataSourceOptions): DynamicModule =>
  TypeOrmModule.forRootAsync({
    useFactory: () => options,
    dataSourceFactory: async (given) => addTransactionalDataSource(new DataSource(given!)),
  });

/** Nothing to set: the library sees the transaction that the DataSource is in. */
export const queue = (): DynamicModule => SimpleQueueModule.forRoot();
// #endregion

// #region service
@Injectable()
export class OrdersService {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly queues: QueueService,
  ) {}

  @Transactional()
  async place(order: Order): Promise<string> {
    await this.orders.insert(order);
    const { id } = await this.queues.enqueue('receipts', { orderId: order.id });
    return id;
  }
}
// #endregion

// #region handler
@QueueHandler('receipts')
export class WriteReceipt implements JobHandler<{ orderId: string }> {
  constructor(@InjectRepository(Receipt) private readonly receipts: Repository<Receipt>) {}

  async process(job: Job<{ orderId: string }>, context: JobContext): Promise<void> {
    await this.write(job.payload.orderId, context);
  }

  /** The receipt, the job's completion and the next job commit together. */
  @Transactional()
  private async write(orderId: string, context: JobContext): Promise<void> {
    await this.receipts.insert({ orderId, text: `Paid: ${orderId}` });
    await context.enqueue('letters', { orderId });
    await context.complete();
  }
}
// #endregion
