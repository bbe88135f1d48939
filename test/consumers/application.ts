import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueHandler, QueueService, SimpleQueueModule, type Job, type JobHandler } from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';

// What scripts/consumers.mjs compiles and runs in an application that has the packed library: enqueue in a transaction, run one job.
interface Receipt {
  orderId: number;
}

let arrived: (receipt: Receipt) => void;
const receipt = new Promise<Receipt>((resolve) => {
  arrived = resolve;
});

@QueueHandler('receipts')
class SendReceipt implements JobHandler<Receipt> {
  // Injected by its type: the library's class and the application's are one and the same.
  constructor(private readonly queues: QueueService) {}

  async process(job: Job<Receipt>): Promise<void> {
    if (!(this.queues instanceof QueueService)) throw new Error('Two copies of the library.');
    arrived(job.payload);
    return Promise.resolve();
  }
}

@Module({
  imports: [TypeOrmModule.forRoot({ type: 'postgres', url: process.env.DATABASE_URL }), SimpleQueueModule.forRoot()],
  providers: [SendReceipt],
})
class ApplicationModule {}

async function main(): Promise<void> {
  const application = await NestFactory.createApplicationContext(ApplicationModule, {
    logger: ['warn', 'error'],
    abortOnError: false,
  });
  const queues = application.get(QueueService);
  await application.get(DataSource).transaction((manager) => queues.enqueue('receipts', { orderId: 7 }, { manager }));
  const { orderId } = await receipt;
  await application.close();
  if (orderId !== 7) throw new Error(`The payload arrived as ${orderId}.`);
  console.log('ran one job');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
