// What must and must not compile of job templates and waiting: checked by `npm run types`, never run.
import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import {
  BatchContext,
  defineJob,
  HandleJob,
  Job,
  JobContext,
  JobResult,
  QueueHandler,
  type BatchHandler,
  type BatchResult,
  type FoundJob,
  type JobEnd,
  type JobHandler,
  type JobTemplate,
  type QueueService,
} from '../../lib/index.js';

interface Receipt {
  orderId: number;
}
interface Sent {
  messageId: string;
}

const Receipts = defineJob({
  queue: 'receipts',
  name: 'send',
  payload: z.object({
    orderId: z.number(),
    due: z.iso.datetime().transform((text) => new Date(text)),
  }),
  output: z.object({ sentAt: z.iso.datetime().transform((text) => new Date(text)) }),
  defaults: { maxAttempts: 5, priority: -1 },
});
const Plain = defineJob<Receipt, Sent>()({ queue: 'receipts' });
const Open = defineJob({ queue: 'anything' });
const PayloadOnly = defineJob({ queue: 'receipts', payload: z.object({ orderId: z.number() }) });

expectTypeOf(Receipts).toEqualTypeOf<
  JobTemplate<
    { orderId: number; due: string },
    { orderId: number; due: Date },
    { sentAt: string },
    { sentAt: Date }
  >
>();
expectTypeOf(Plain).toEqualTypeOf<JobTemplate<Receipt, Receipt, Sent, Sent>>();
expectTypeOf(Open).toEqualTypeOf<JobTemplate<unknown, unknown, unknown, unknown>>();
expectTypeOf(PayloadOnly).toEqualTypeOf<JobTemplate<Receipt, Receipt, unknown, unknown>>();

export const wrong = [
  // @ts-expect-error a template names its queue
  () => defineJob({ name: 'send' }),
  // @ts-expect-error a number is no schema
  () => defineJob({ queue: 'receipts', payload: 5 }),
  // @ts-expect-error an id belongs to one job
  () => defineJob({ queue: 'receipts', defaults: { id: 'x' } }),
  // @ts-expect-error no such option
  () => defineJob({ queue: 'receipts', defaults: { priorty: 1 } }),
  // @ts-expect-error types are given, so there is no schema
  () => defineJob<Receipt>()({ queue: 'receipts', payload: z.object({}) }),
];

export async function use(queues: QueueService): Promise<void> {
  const { id } = await queues.enqueue(
    Receipts,
    { orderId: 5, due: '2030-01-01T00:00:00Z' },
    { priority: 1 },
  );
  await queues.enqueueMany(Receipts, [
    { payload: { orderId: 5, due: '2030-01-01T00:00:00Z' }, delayMs: 5 },
  ]);
  await queues.enqueue(Plain, { orderId: 5 });
  await queues.enqueue(Open, 'anything');
  await queues.enqueue('receipts', 'anything');

  // @ts-expect-error another payload than the template's
  await queues.enqueue(Plain, { orderId: '5' });
  // @ts-expect-error what is enqueued is what the schema takes, not what it makes
  await queues.enqueue(Receipts, { orderId: 5, due: new Date() });
  // @ts-expect-error an item without its payload
  await queues.enqueueMany(Plain, [{ delayMs: 5 }]);
  // @ts-expect-error another payload in an item
  await queues.enqueueMany(Plain, [{ payload: { orderId: 5 } }, { payload: {} }]);

  expectTypeOf(await queues.find(id, { as: Receipts })).toEqualTypeOf<
    FoundJob<{ orderId: number; due: Date }, { sentAt: Date }> | undefined
  >();
  expectTypeOf(await queues.find(id)).toEqualTypeOf<FoundJob | undefined>();
  expectTypeOf(await queues.wait(id)).toEqualTypeOf<JobEnd>();
  expectTypeOf(await queues.wait<Sent>(id, { timeoutMs: 5 })).toEqualTypeOf<JobEnd<Sent>>();
  expectTypeOf(
    await queues.wait(id, { as: Receipts, signal: AbortSignal.timeout(5) }),
  ).toEqualTypeOf<JobEnd<{ sentAt: Date }>>();
  expectTypeOf(await queues.enqueueAndWait('receipts', 5)).toEqualTypeOf<JobEnd>();

  const end = await queues.enqueueAndWait(
    Receipts,
    { orderId: 5, due: '' },
    { timeoutMs: 5_000, uniqueKey: 'x' },
  );
  if (end.state === 'succeeded') expectTypeOf(end.output.sentAt).toEqualTypeOf<Date>();
  else expectTypeOf(end.error?.message).toEqualTypeOf<string | undefined>();

  // @ts-expect-error an output is there only when the job has succeeded
  void end.output.sentAt;
  // @ts-expect-error another payload than the template's
  await queues.enqueueAndWait(Plain, { order: 5 });
  const manager = undefined as never as import('typeorm').EntityManager;
  // @ts-expect-error a job in a transaction cannot be waited for in it
  await queues.enqueueAndWait(Plain, { orderId: 5 }, { manager });
}

@QueueHandler(Receipts, { concurrency: 5 })
export class SendReceipt implements JobHandler<{ orderId: number; due: Date }, { sentAt: string }> {
  async process(
    job: Job<{ orderId: number; due: Date }>,
    context: JobContext,
  ): Promise<{ sentAt: string }> {
    await context.enqueue(Plain, { orderId: job.payload.orderId });
    // @ts-expect-error another payload than the template's
    await context.enqueue(Plain, {});
    return { sentAt: job.payload.due.toISOString() };
  }
}

@QueueHandler(Plain)
export class Results {
  constructor(private readonly queues: QueueService) {}

  process(job: Job<Receipt>): JobResult<Sent> | Sent {
    void this.queues;
    return job.attempt > 1 ? JobResult.success({ messageId: '1' }) : JobResult.fail('busy');
  }
}

@QueueHandler(PayloadOnly)
export class WithoutOutput {
  process(): void {}
}

@QueueHandler(PayloadOnly)
export class WantsLess {
  process(job: Job<{ orderId?: number }>): unknown {
    return job.payload.orderId;
  }
}

// @ts-expect-error the payload that it takes is not what the schema makes
@QueueHandler(Receipts)
export class GivenForParsed {
  process(job: Job<{ orderId: number; due: string }>): { sentAt: string } {
    return { sentAt: job.payload.due };
  }
}

// @ts-expect-error it wants more of the payload than there is
@QueueHandler(Plain)
export class WantsMore {
  process(job: Job<Receipt & { email: string }>): Sent {
    return { messageId: job.payload.email };
  }
}

// @ts-expect-error it answers something else than the template says
@QueueHandler(Plain)
export class WrongAnswer {
  process(): number {
    return 5;
  }
}

// @ts-expect-error it answers nothing
@QueueHandler(Plain)
export class NoAnswer {
  process(): void {}
}

// @ts-expect-error it has no process method
@QueueHandler(Plain)
export class NoProcess {}

// @ts-expect-error its acquire wants another payload
@QueueHandler(Plain)
export class WrongAcquire {
  process(): Sent {
    return { messageId: '1' };
  }
  acquire(job: Job<string>): JobResult<unknown> {
    return JobResult.fail(job.payload);
  }
}

@QueueHandler(Receipts, { batch: { size: 10, lingerMs: 5 } })
export class SendReceipts implements BatchHandler<
  { orderId: number; due: Date },
  { sentAt: string }
> {
  async process(
    jobs: Job<{ orderId: number; due: Date }>[],
    context: BatchContext,
  ): Promise<BatchResult<{ sentAt: string }>[]> {
    await context.enqueue(Plain, { orderId: jobs[0]!.payload.orderId });
    // @ts-expect-error another payload than the template's
    await context.enqueue(Plain, {});
    return jobs.map((job) =>
      job.attempt > 1 ? JobResult.fail('busy') : { sentAt: job.payload.due.toISOString() },
    );
  }
}

@QueueHandler(Plain, { batch: { size: 10 } })
export class ResultsById {
  process(jobs: readonly Job<Receipt>[]): Map<string, Sent | Error> {
    return new Map(jobs.map(({ id }) => [id, { messageId: id }]));
  }
}

// @ts-expect-error with `batch` it takes several jobs
@QueueHandler(Plain, { batch: { size: 10 } })
export class OneOfABatch {
  process(job: Job<Receipt>): Sent {
    return { messageId: job.id };
  }
}

// @ts-expect-error without `batch` it takes one
@QueueHandler(Plain)
export class SeveralWithoutBatch {
  process(jobs: Job<Receipt>[]): Sent[] {
    return jobs.map(({ id }) => ({ messageId: id }));
  }
}

// @ts-expect-error the payloads that it takes are not what the schema makes
@QueueHandler(Receipts, { batch: { size: 10 } })
export class BatchOfGiven {
  process(jobs: Job<{ orderId: number; due: string }>[]): { sentAt: string }[] {
    return jobs.map(({ payload }) => ({ sentAt: payload.due }));
  }
}

// @ts-expect-error its results are not the template's
@QueueHandler(Plain, { batch: { size: 10 } })
export class WrongResults {
  process(jobs: Job<Receipt>[]): number[] {
    return jobs.map(({ attempt }) => attempt);
  }
}

@QueueHandler('receipts')
export class Methods {
  @HandleJob(Receipts, { batch: { size: 5 } })
  sendAll(jobs: Job<{ orderId: number; due: Date }>[]): { sentAt: string }[] {
    return jobs.map((job) => ({ sentAt: job.payload.due.toISOString() }));
  }

  // @ts-expect-error with `batch` a method takes several jobs
  @HandleJob(Receipts, { batch: { size: 5 } })
  sendOne(job: Job<{ orderId: number; due: Date }>): { sentAt: string } {
    return { sentAt: job.payload.due.toISOString() };
  }

  @HandleJob(Receipts, { timeoutMs: 5 })
  send(job: Job<{ orderId: number; due: Date }>): { sentAt: string } {
    return { sentAt: job.payload.due.toISOString() };
  }

  // @ts-expect-error another payload than the template's
  @HandleJob(Receipts)
  wrongPayload(job: Job<string>): { sentAt: string } {
    return { sentAt: job.payload };
  }

  // @ts-expect-error another answer than the template's
  @HandleJob(Receipts)
  wrongAnswer(): string {
    return 'sent';
  }
}
