import { Inject, Injectable, Module, type FactoryProvider } from '@nestjs/common';
import {
  defineJob,
  InjectQueue,
  Job,
  Queue,
  QueueHandler,
  QueueService,
  SimpleQueueModule,
  type JobHandler,
  type QueueOf,
} from 'nestjs-simple-queue';

// #region service
export const Receipts = defineJob<{ orderId: string }, { sentTo: string }>()({
  queue: 'receipts',
  name: 'send',
});

@Injectable()
export class CheckoutService {
  constructor(
    @InjectQueue(Receipts) private readonly receipts: QueueOf<typeof Receipts>,
    @InjectQueue('audit') private readonly audit: Queue<{ what: string }>,
  ) {}

  /** The compiler knows payload and output. */
  async checkOut(orderId: string): Promise<string | undefined> {
    await this.audit.enqueue({ what: `checkout of ${orderId}` });
    const end = await this.receipts.enqueueAndWait({ orderId }, { timeoutMs: 5_000 });
    return end.state === 'succeeded' ? end.output.sentTo : undefined;
  }
}
// #endregion

// #region module
@Module({
  imports: [SimpleQueueModule.forFeature([Receipts, 'audit'])],
  providers: [CheckoutService],
})
export class CheckoutModule {}
// #endregion

// #region config
export const CONFIG = Symbol('config');
export interface Config {
  mailQueue: string;
}

@QueueHandler((handler: RegionalMail) => handler.queue, { concurrency: 5 })
export class RegionalMail implements JobHandler<{ to: string }, string> {
  readonly queue: string;

  constructor(@Inject(CONFIG) config: Config) {
    this.queue = config.mailQueue;
  }

  async process(job: Job<{ to: string }>): Promise<string> {
    return `${job.queue} to ${job.payload.to}`;
  }
}
// #endregion

// #region config-queue
export const MAIL = Symbol('mail');

export const mailQueue: FactoryProvider<Queue<{ to: string }, string>> = {
  provide: MAIL,
  inject: [QueueService, CONFIG],
  useFactory: (queues: QueueService, config: Config) => new Queue(queues, config.mailQueue),
};
// #endregion

// #region run-time
@QueueHandler('tenants.*')
export class TenantWork implements JobHandler<{ tenant: string }> {
  constructor(private readonly queues: QueueService) {}

  /** A queue needs no set-up: this one exists from its first job on, and this handler works it. */
  async begin(tenant: string): Promise<void> {
    await this.queues.enqueue(`tenants.${tenant}`, { tenant });
  }

  async process(job: Job<{ tenant: string }>): Promise<string> {
    return job.queue;
  }
}
// #endregion
