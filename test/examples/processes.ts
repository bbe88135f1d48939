import { Injectable, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { constant, SimpleQueueModule } from 'nestjs-simple-queue';

// #region web
/** A web process: it enqueues, cancels and finds, and runs nothing. */
export const inWeb = (): DynamicModule => SimpleQueueModule.forRoot({ worker: false });
// #endregion

// #region mail
/** A worker process for some queues, by name or by prefix. */
export const inMailWorker = (): DynamicModule =>
  SimpleQueueModule.forRoot({ worker: { queues: ['mail.*', 'letters'] } });
// #endregion

// #region settings
export const withSettings = (): DynamicModule =>
  SimpleQueueModule.forRoot({
    concurrency: 50,
    maxAttempts: 5,
    queues: {
      webhooks: { concurrency: 20, backoff: constant({ delayMs: 1_000 }), timeoutMs: 10_000 },
      metrics: { archive: false },
    },
  });
// #endregion

// #region async
interface Config {
  workers: boolean;
}

export const fromConfig = (config: symbol): DynamicModule =>
  SimpleQueueModule.forRootAsync({
    inject: [config],
    useFactory: ({ workers }: Config) => ({ worker: workers, migrate: 'check' }),
  });
// #endregion

// #region pooled
export const behindPgBouncer = (directUrl: string): DynamicModule =>
  SimpleQueueModule.forRoot({ poolMode: 'transaction', listenUrl: directUrl });
// #endregion

// #region close
@Injectable()
export class MailServer implements OnApplicationShutdown {
  isOpen = true;

  /** Not in onModuleDestroy or beforeApplicationShutdown: jobs that still run need the connection. */
  onApplicationShutdown(): void {
    this.isOpen = false;
  }
}
// #endregion
