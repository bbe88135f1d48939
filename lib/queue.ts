import type {
  CancelCounts,
  CancelSelector,
  ChangeAnswer,
  Enqueued,
  EnqueueItem,
  EnqueueManyOptions,
  EnqueueOptions,
  InTransaction,
  JobChanges,
  JobOptions,
  BackPressure,
} from './job/enqueue-options.js';
import type { JobEnd, WaitTime } from './job/job-end.js';
import {
  isTemplate,
  type AnyTemplate,
  type GivenOf,
  type JobTarget,
  type JobTemplate,
  type OutputOf,
  type PayloadOf,
} from './job/job-template.js';
import type { FoundJob } from './job/job.js';
import { checkQueueName } from './job/names.js';
import type { QueueService } from './queue.service.js';

/** A queue says nothing of what its handler returns, only what is read of it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type TargetOf<Given, Payload, Output> = string | JobTemplate<Given, Payload, any, Output>;

/** The queue of a template: `QueueOf<typeof Receipts>`. */
export type QueueOf<Target extends JobTarget> = Queue<
  GivenOf<Target>,
  OutputOf<Target>,
  PayloadOf<Target>
>;

/**
 * `QueueService` for one template or one queue: what `@InjectQueue(target)` injects. `Given` is what an enqueue takes, `Output` what a waiter
 * gets, `Payload` what `find` returns. Each call does what the service's of the same name does, and throws what it throws.
 */
export class Queue<Given = unknown, Output = unknown, Payload = Given> {
  /** The queue's name. */
  readonly name: string;
  private readonly target: JobTarget;
  private readonly template: AnyTemplate | undefined;

  /** For a name that is known only at run time; otherwise inject it. @throws QueueError `INVALID_NAME` */
  constructor(
    private readonly queues: QueueService,
    target: TargetOf<Given, Payload, Output>,
  ) {
    this.target = target;
    this.template = isTemplate(target) ? target : undefined;
    this.name = this.template?.queue ?? checkQueueName(target);
  }

  enqueue(payload: Given, options?: EnqueueOptions): Promise<Enqueued> {
    return this.queues.enqueue(this.target, payload, options);
  }

  enqueueMany(items: EnqueueItem<Given>[], options?: EnqueueManyOptions): Promise<Enqueued[]> {
    return this.queues.enqueueMany(this.target, items, options);
  }

  enqueueAndWait(
    payload: Given,
    options?: Omit<JobOptions, 'timeoutMs'> & BackPressure & WaitTime,
  ): Promise<JobEnd<Output>> {
    return this.queues.enqueueAndWait(this.target, payload, options);
  }

  /** Of a job of this template or queue. */
  wait(id: string, time?: WaitTime): Promise<JobEnd<Output>> {
    return this.queues.wait<Output>(id, { ...time, as: this.template });
  }

  /** A job of this template or queue. */
  find(id: string, options?: InTransaction): Promise<FoundJob<Payload, Output> | undefined> {
    return this.queues.find<Payload, Output>(id, { ...options, as: this.template });
  }

  /** A waiting job of this template or queue. */
  change(id: string, changes: JobChanges<Given>, options?: InTransaction): Promise<ChangeAnswer> {
    return this.queues.change(id, changes, { ...options, as: this.template });
  }

  /** Jobs of the queue, of all names: keys, groups and tags are the queue's. An `id` is taken as it is. */
  cancel(selector: Omit<CancelSelector, 'queue'>, options?: InTransaction): Promise<CancelCounts> {
    return this.queues.cancel({ ...selector, queue: this.name }, options);
  }
}
