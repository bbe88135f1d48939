// What must and must not compile of handlers and their decorators: checked by `npm run types`, never run.
import type { ExecutionContext } from '@nestjs/common';
import { expectTypeOf } from 'expect-type';
import {
  BatchContext,
  custom,
  exponential,
  getQueueContext,
  HandleJob,
  defineJob,
  Job,
  JobContext,
  JobResult,
  OnJobEvent,
  Permit,
  QueueHandler,
  type BatchHandler,
  type BatchResult,
  type Failure,
  type QueueEvents,
  type JobHandler,
  type QueueContextType,
} from '../../lib/index.js';

interface Receipt {
  orderId: number;
}
interface Sent {
  messageId: string;
}

@QueueHandler('receipts', {
  concurrency: 20,
  maxAttempts: 5,
  backoff: exponential({ baseMs: 1_000, maxMs: 60_000 }),
  timeoutMs: 30_000,
  transactional: true,
  instance: 'reports',
})
export class SendReceipt implements JobHandler<Receipt, Sent> {
  async process(job: Job<Receipt>, context: JobContext): Promise<JobResult<Sent> | Sent | void> {
    expectTypeOf(job.payload).toEqualTypeOf<Receipt>();
    expectTypeOf(job.lastError).toEqualTypeOf<Failure | undefined>();
    expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    await context.enqueue('webhooks', { orderId: job.payload.orderId }, { delayMs: 5 });
    return job.attempt > 1 ? JobResult.success({ messageId: '1' }) : { messageId: '1' };
  }

  async acquire(job: Job<Receipt>): Promise<Permit | JobResult<unknown>> {
    return job.payload.orderId > 0 ? Permit.free : Promise.resolve(JobResult.rescheduleIn(1_000));
  }
}

export class WithoutOutput implements JobHandler<Receipt> {
  process(): void {}
}

export class EveryResult implements JobHandler<Receipt, Sent> {
  process({ attempt }: Job<Receipt>): JobResult<Sent> {
    const results: JobResult<Sent>[] = [
      JobResult.fail('busy'),
      JobResult.retryIn(5),
      JobResult.retryAt(new Date()),
      JobResult.rescheduleIn(5),
      JobResult.rescheduleAt(new Date()),
      JobResult.cancel(),
      JobResult.unprocessable(new Error('bad')),
      JobResult.critical('disk full'),
    ];
    return results[attempt] ?? JobResult.success({ messageId: '1' });
  }
}

export class WrongOutput implements JobHandler<Receipt, Sent> {
  // @ts-expect-error a number is not what the handler promises
  process(): number {
    return 5;
  }
}

export class WrongPayload implements JobHandler<Receipt, Sent> {
  // @ts-expect-error another payload than the class promises
  process(job: Job<string>): void {
    void job;
  }
}

export class WrongPermit implements JobHandler<Receipt, Sent> {
  process(): void {}
  // @ts-expect-error true is no permit
  acquire(): boolean {
    return true;
  }
}

@QueueHandler('metrics', { batch: { size: 100, lingerMs: 50 }, concurrency: { min: 1, max: 4 } })
export class StoreMetrics implements BatchHandler<Receipt, Sent> {
  async process(jobs: Job<Receipt>[], context: BatchContext): Promise<BatchResult<Sent>[]> {
    expectTypeOf(jobs[0]!.payload).toEqualTypeOf<Receipt>();
    expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(context.signalOf(jobs[0]!)).toEqualTypeOf<AbortSignal>();
    await context.checkpoint(jobs[0]!, { page: 1 }, { extraAttempts: 1 });
    return jobs.map(
      (job, index) =>
        [undefined, { messageId: job.id }, JobResult.fail('no'), new Error('no')][index],
    );
  }
}

@QueueHandler('metrics', { batch: { size: 5 } })
export class ByIdOrNothing {
  process(jobs: readonly Job<Receipt>[]): Map<string, BatchResult<Sent>> | void {
    return jobs.length > 2 ? new Map([[jobs[0]!.id, { messageId: '1' }]]) : undefined;
  }

  @HandleJob('several', { batch: { size: 5 } })
  several(jobs: Job<Receipt>[], context: BatchContext): JobResult<Sent>[] {
    void context;
    return jobs.map(() => JobResult.success({ messageId: '1' }));
  }

  @HandleJob('one')
  one(job: Job<Receipt>, context: JobContext): void {
    void [job, context];
  }

  // @ts-expect-error with `batch` a method takes several jobs
  @HandleJob('wrong', { batch: { size: 5 } })
  wrong(job: Job<Receipt>): void {
    void job;
  }

  // @ts-expect-error without `batch` it takes one
  @HandleJob('none')
  none(jobs: Job<Receipt>[]): void {
    void jobs;
  }
}

// @ts-expect-error a batch handler takes several jobs
@QueueHandler('metrics', { batch: { size: 5 } })
export class OneOfABatch {
  process(job: Job<Receipt>): void {
    void job;
  }
}

// @ts-expect-error a batch has a size
@QueueHandler('metrics', { batch: { lingerMs: 5 } })
export class WithoutSize {}

export class WrongResults implements BatchHandler<Receipt, Sent> {
  // @ts-expect-error numbers are not what the handler promises
  process(jobs: Job<Receipt>[]): number[] {
    return jobs.map(() => 5);
  }
}

export class Checkpoints implements JobHandler<Receipt> {
  async process(job: Job<Receipt>, context: JobContext): Promise<void> {
    expectTypeOf(job.checkpoint).toEqualTypeOf<unknown>();
    await context.checkpoint({ page: 1 });
    await context.checkpoint(undefined, { extraAttempts: 2 });
    // @ts-expect-error no such option
    await context.checkpoint({}, { extraAttemps: 2 });
  }
}

// @ts-expect-error a range has both ends
@QueueHandler('range', { concurrency: { min: 5 } })
export class HalfARange {}

// @ts-expect-error a handler has a process method
export class WithoutProcess implements JobHandler<Receipt> {}

@QueueHandler('mail')
export class Letters {
  @HandleJob('welcome', { backoff: custom((attempt) => attempt * 5) })
  welcome(job: Job<Receipt>, context: JobContext): JobResult<Sent> {
    void context;
    return JobResult.success({ messageId: String(job.payload.orderId) });
  }

  @HandleJob('goodbye')
  async goodbye(): Promise<void> {}

  // @ts-expect-error a handler gets a job first, not a number
  @HandleJob('number')
  number(count: number): void {
    void count;
  }

  // @ts-expect-error a handler gets nothing third
  @HandleJob('third')
  third(job: Job<Receipt>, context: JobContext, third: string): void {
    void [job, context, third];
  }

  // @ts-expect-error the instance belongs to the class
  @HandleJob('elsewhere', { instance: 'reports' })
  elsewhere(): void {}

  // @ts-expect-error a job is named
  @HandleJob()
  nameless(): void {}

  // @ts-expect-error only methods handle jobs
  @HandleJob('property')
  property = 5;
}

// @ts-expect-error a handler names its queue
@QueueHandler()
export class WithoutQueue {}

// @ts-expect-error no such option
@QueueHandler('mail', { concurency: 5 })
export class MistypedOption {}

export class NotAMethod {
  // @ts-expect-error a queue is handled by a class, not by a method
  @QueueHandler('mail')
  process(): void {}
}

const Billing = defineJob<{ orderId: number }, Receipt>()({ queue: 'billing' });

export class Listening {
  @OnJobEvent('failed')
  failed(event: QueueEvents['failed']): void {
    expectTypeOf(event.error).toEqualTypeOf<Failure>();
  }

  @OnJobEvent('retried', { instance: 'reports' })
  part({ id, error }: { id: string; error: Failure }): void {
    void [id, error];
  }

  @OnJobEvent('workerStarted')
  @OnJobEvent('workerStopped')
  nothing(): void {}

  @OnJobEvent('succeeded', { queue: Billing })
  billed({ output }: QueueEvents<Receipt>['succeeded']): void {
    expectTypeOf(output).toEqualTypeOf<Receipt>();
  }

  // @ts-expect-error its jobs return something else
  @OnJobEvent('succeeded', { queue: Billing })
  misread({ output }: QueueEvents<string>['succeeded']): void {
    void output;
  }

  // @ts-expect-error it is of no queue
  @OnJobEvent('loopFailed', { queue: Billing })
  everywhere(): void {}

  // @ts-expect-error no such event
  @OnJobEvent('fialed')
  mistyped(): void {}

  // @ts-expect-error `started` has no error
  @OnJobEvent('started')
  wrong(event: QueueEvents['failed']): void {
    void event;
  }
}

// @ts-expect-error results are made by the static methods
export const made: JobResult = new JobResult({ kind: 'cancel', reason: 'no' });

// @ts-expect-error jobs are made by the worker
export const job: Job = new Job();

// @ts-expect-error a job cannot be changed
export const change = (one: Job<Receipt>): number => (one.attempt = 5);

export function guarded(host: ExecutionContext): boolean {
  if (host.getType<QueueContextType>() !== 'queue') return true;
  const called = getQueueContext<Receipt>(host);
  expectTypeOf(called.jobs).toEqualTypeOf<readonly Job<Receipt>[]>();
  // @ts-expect-error of a batch there is no one job
  void called.job.payload;
  if (called.job === undefined) expectTypeOf(called.context).toEqualTypeOf<BatchContext>();
  else expectTypeOf(called.context).toEqualTypeOf<JobContext>();
  return true;
}
