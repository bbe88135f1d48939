import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { constant, SimpleQueueModule } from 'nestjs-simple-queue';
import { EdgeController } from './edge.controller.js';
import { LeaseHandles } from './lease-handles.js';
import { EdgeSettings } from './edge.settings.js';
import { RedisQueueModule } from './redis-queue.module.js';

/** Short, because this sample is there to be watched. */
const OPTIONS = { backoff: constant({ delayMs: 200 }) };

@Module({ controllers: [EdgeController] })
export class EdgeModule {
  static forRoot(settings: EdgeSettings): DynamicModule {
    const { databaseUrl } = settings;
    return {
      module: EdgeModule,
      imports: /^rediss?:/.test(databaseUrl)
        ? [RedisQueueModule.forRoot(databaseUrl, OPTIONS)]
        : onPostgres(databaseUrl),
      providers: [{ provide: EdgeSettings, useValue: settings }, LeaseHandles],
    };
  }
}

/** No handler here: this process's worker only reaps, promotes and cleans, which somebody has to. */
const onPostgres = (url: string): DynamicModule[] => [
  TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 1 }),
  SimpleQueueModule.forRoot({ ...OPTIONS, pollIntervalMs: 200, reaperIntervalMs: 500 }),
];
