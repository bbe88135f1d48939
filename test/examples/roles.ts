import {
  Inject,
  Injectable,
  type DynamicModule,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  getToken,
  Job,
  QueueHandler,
  QueueService,
  QueueWorker,
  SimpleQueueModule,
  type JobHandler,
  type SimpleQueueOptions,
} from 'nestjs-simple-queue';

// #region role
/** What the process does, by the environment variable ROLE. */
const ROLES: Record<string, SimpleQueueOptions['worker']> = {
  api: false,
  worker: true,
  'mail-worker': { queues: ['mail.*'] },
};

export const byRole = (): DynamicModule =>
  SimpleQueueModule.forRootAsync({
    useFactory: () => {
      const role = process.env.ROLE ?? 'api';
      if (!Object.hasOwn(ROLES, role))
        throw new Error(`ROLE is "${role}". Use one of: ${Object.keys(ROLES).join(', ')}.`);
      return { worker: ROLES[role] };
    },
  });
// #endregion

// #region manual
/** With `worker: { autoStart: false }`: nothing runs before the prices are loaded. */
@Injectable()
export class Warehouse implements OnApplicationBootstrap {
  prices = new Map<string, number>();

  constructor(private readonly worker: QueueWorker) {}

  async onApplicationBootstrap(): Promise<void> {
    this.prices = await this.load();
    await this.worker.start();
  }

  private async load(): Promise<Map<string, number>> {
    return new Map([['coffee', 3]]);
  }
}
// #endregion

// #region databases
/** The shop's own database, and one for reports: two instances, each with its own tables, workers and tokens. */
export const twoDatabases = (shopUrl: string, reportsUrl: string): DynamicModule[] => [
  TypeOrmModule.forRoot({ type: 'postgres', url: shopUrl }),
  TypeOrmModule.forRoot({ type: 'postgres', url: reportsUrl, name: 'reports' }),
  SimpleQueueModule.forRoot(),
  SimpleQueueModule.forRoot({ name: 'reports', dataSource: 'reports', concurrency: 2 }),
];

@QueueHandler('summaries', { instance: 'reports' })
export class WriteSummary implements JobHandler<{ month: string }, string> {
  async process(job: Job<{ month: string }>): Promise<string> {
    return `summary of ${job.payload.month}`;
  }
}

@Injectable()
export class MonthEnd {
  constructor(
    private readonly queues: QueueService,
    @Inject(getToken(QueueService, 'reports')) private readonly reports: QueueService,
  ) {}

  async close(month: string): Promise<string> {
    await this.queues.enqueue('invoices', { month });
    const { id } = await this.reports.enqueue('summaries', { month });
    return id;
  }
}
// #endregion

export const reporting: Provider[] = [WriteSummary, MonthEnd];
