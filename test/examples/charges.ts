import { Injectable, type DynamicModule } from '@nestjs/common';
import { Job, JobResult, QueueHandler, SimpleQueueModule } from 'nestjs-simple-queue';
import { QueueLimits } from 'nestjs-simple-queue/limits';

/** What the payment service is called by. */
export abstract class Payments {
  abstract charge(cents: number): Promise<{ status: number; retryAfterMs: number }>;
}

// #region options
export const withLimits = (): DynamicModule =>
  SimpleQueueModule.forRoot({
    queues: { mail: { fleetConcurrency: 50 } },
    limits: { payments: { concurrency: 20, rate: { limit: 100, perMs: 1_000, strict: true } } },
  });
// #endregion

// #region handler
@QueueHandler('charges', { uses: ['payments'] })
export class Charges {
  constructor(private readonly payments: Payments) {}

  async process(job: Job<{ cents: number }>): Promise<JobResult<never> | { status: number }> {
    const { status, retryAfterMs } = await this.payments.charge(job.payload.cents);
    if (status === 429) return JobResult.retryIn(retryAfterMs, { slowDown: true });
    return { status };
  }
}
// #endregion

// #region within
@Injectable()
export class Checkout {
  constructor(
    private readonly limits: QueueLimits,
    private readonly payments: Payments,
  ) {}

  async pay(cents: number, signal?: AbortSignal): Promise<{ status: number }> {
    return this.limits.within('payments', { signal }, () => this.payments.charge(cents));
  }
}
// #endregion
