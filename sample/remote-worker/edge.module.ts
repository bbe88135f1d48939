import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { constant, SimpleQueueModule } from 'nestjs-simple-queue';
import { EdgeController } from './edge.controller.js';
import { LeaseHandles } from './lease-handles.js';
import { EdgeSettings } from './edge.settings.js';

/** Short, because this sample is there to be watched. */
const BACKOFF_MS = 200;

/** No handler here: this process's worker only reaps, promotes and cleans, which somebody has to. */
@Module({ controllers: [EdgeController] })
export class EdgeModule {
  static forRoot(settings: EdgeSettings): DynamicModule {
    return {
      module: EdgeModule,
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: settings.databaseUrl, retryAttempts: 1 }),
        SimpleQueueModule.forRoot({
          backoff: constant({ delayMs: BACKOFF_MS }),
          pollIntervalMs: BACKOFF_MS,
          reaperIntervalMs: 500,
        }),
      ],
      providers: [{ provide: EdgeSettings, useValue: settings }, LeaseHandles],
    };
  }
}
