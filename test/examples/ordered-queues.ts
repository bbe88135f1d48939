import type { DynamicModule } from '@nestjs/common';
import { SimpleQueueModule } from 'nestjs-simple-queue';

// #region settings
export const withOrder = (): DynamicModule =>
  SimpleQueueModule.forRoot({
    queues: {
      bookings: { onDeadJob: 'block', concurrency: 50 },
      ledger: { ordered: true, onDeadJob: 'halt' },
      exports: { fair: true },
    },
  });
// #endregion
