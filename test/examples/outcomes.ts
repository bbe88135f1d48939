import { Injectable, Module } from '@nestjs/common';
import { Job, QueueHandler, SimpleQueueModule } from 'nestjs-simple-queue';
import type { JobOutcome } from 'nestjs-simple-queue/workflows';

// #region module
@Module({
  imports: [SimpleQueueModule.forRoot({ queues: { payments: { outcomes: 'payment-outcomes' } } })],
})
export class PaymentsModule {}
// #endregion

@Injectable()
export class Ledger {
  readonly lines: string[] = [];
}

// #region handler
@QueueHandler('payment-outcomes')
export class BookPayments {
  constructor(private readonly ledger: Ledger) {}

  process({ payload }: Job<JobOutcome<{ cents: number }>>): void {
    const { id, state, output, error } = payload;
    this.ledger.lines.push(`${id} ${state} ${output?.cents ?? error?.message ?? ''}`);
  }
}
// #endregion
