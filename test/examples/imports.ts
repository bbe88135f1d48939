import type { DynamicModule } from '@nestjs/common';
import { Job, QueueHandler, SimpleQueueModule } from 'nestjs-simple-queue';

// #region options
export const twoPerTenant = (): DynamicModule =>
  SimpleQueueModule.forRoot({
    queues: { imports: { perKey: { by: 'tenant.id', concurrency: 2 } } },
  });
// #endregion

// #region handler
@QueueHandler('imports')
export class Imports {
  async process(job: Job<{ tenant: { id: string }; file: string }>): Promise<void> {
    await this.read(job.payload.file);
  }

  protected async read(file: string): Promise<void> {
    await Promise.resolve(file);
  }
}
// #endregion
