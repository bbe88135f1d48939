// An application with a real package for transactions. Says of each rule what became of it.
import 'reflect-metadata';
import { Inject } from '@nestjs/common';
import pg from 'pg';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { constant } from '../../lib/job/backoff.js';
import type { JobHandler } from '../../lib/job/job-handler.js';
import { Job } from '../../lib/job/job.js';
import { JobContext } from '../../lib/job/job-context.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { QueueService } from '../../lib/queue.service.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import { Storage } from '../../lib/storage/storage.js';
import { QueueWorker } from '../../lib/worker/queue-worker.js';
import { Receipt } from '../examples/order.js';
import { RULES, UNDONE, type TransactionWorld } from '../support/transaction-rules.js';
import {
  aTransactionalApplication,
  ORDERS,
  Transactions,
  type Package,
} from '../support/transactional.js';

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Writes, keeps a checkpoint, enqueues and completes in a `@Transactional()` method; the first attempt fails at its end. */
@QueueHandler('writes', { maxAttempts: 2, backoff: constant({ delayMs: 0 }) })
class Write implements JobHandler<{ orderId: string }> {
  readonly checkpoints: unknown[] = [];

  constructor(@Inject(Transactions) private readonly transactions: Transactions) {}

  async process(job: Job<{ orderId: string }>, context: JobContext): Promise<void> {
    this.checkpoints.push(job.checkpoint ?? null);
    await this.transactions.required(async () => {
      await this.transactions.manager.insert(Receipt, {
        orderId: job.payload.orderId,
        text: 'paid',
      });
      await context.checkpoint(`attempt ${job.attempt}`);
      await context.enqueue('letters', job.payload);
      await context.complete('written');
      if (job.attempt === 1) throw UNDONE;
    });
  }
}

const which = process.env.CHILD_PACKAGE as Package;
const app = await aTransactionalApplication(which, {
  url: process.env.DATABASE_URL!,
  options: { worker: { autoStart: false }, warnOutsideTransaction: true },
  providers: [Write],
});
// Not the DataSource: its queries join, too.
const beside = new pg.Pool({ connectionString: process.env.DATABASE_URL });

const world: TransactionWorld = {
  queues: app.get(QueueService, { strict: false }),
  worker: app.get(QueueWorker, { strict: false }),
  transactions: app.get(Transactions),
  savepoints: which === '@nestjs-cls/transactional',
  orders: app.get(ORDERS),
  heard: [],
  beside: [],
  checkpoints: app.get(Write).checkpoints,
  query: async <Row>(sql: string) => (await beside.query(sql)).rows as Row[],
};
app.get(Storage, { strict: false }).signals.receive((signal) => void world.heard.push(signal));

app.get(QueueEventBus, { strict: false }).on('warning', ({ code, message }) => {
  if (code === 'OUTSIDE_TRANSACTION') world.beside.push(/queue "(\S+)"/.exec(message)![1]!);
});

for (const [rule, holds] of Object.entries(RULES)) {
  await beside.query(
    'delete from simple_queue.ready; delete from simple_queue.scheduled; delete from simple_queue.job',
  );
  world.heard.length = 0;
  const problem = await holds(world).then(
    () => undefined,
    (error: Error) => error.stack,
  );
  const misplaced = await world.query(CHECK_PLACES.text);
  say({ rule, problem, misplaced });
}
await app.close();
await beside.end();
