import {
  Inject,
  Injectable,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { getQueueContext, QueueHandler, QueueService, type Job } from 'nestjs-simple-queue';
import assert from 'node:assert/strict';
import { answers, database, queue, tryOut } from './trial.js';

@Injectable()
class OnlyPaid implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    return getQueueContext<{ paid: boolean }>(host).jobs.every(({ payload }) => payload.paid);
  }
}

@Injectable({ scope: Scope.REQUEST })
class Address {
  constructor(@Inject(REQUEST) readonly job: Job) {}
}

@QueueHandler('parcels', { maxAttempts: 1 })
@UseGuards(OnlyPaid)
class SendParcel {
  constructor(private readonly address: Address) {}

  process(): string {
    return this.address.job.id;
  }
}

/** A guard lets one job pass and refuses another; the handler is made for its job. */
export const runsEnhancers = () =>
  tryOut(
    { imports: [database(), queue()], providers: [OnlyPaid, Address, SendParcel] },
    async (app) => {
      const queues = app.get(QueueService);
      const paid = await queues.enqueue('parcels', { paid: true });
      const unpaid = await queues.enqueue('parcels', { paid: false });
      await answers(app, paid.id, paid.id);
      const end = await queues.wait(unpaid.id, { timeoutMs: 50_000 });
      assert.equal(end.state, 'failed');
      assert.match(end.error?.message ?? '', /Forbidden/);
    },
  );
