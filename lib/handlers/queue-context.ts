import type { ArgumentsHost, ContextType } from '@nestjs/common';
import type { BatchContext } from '../job/batch-context.js';
import type { JobContext } from '../job/job-context.js';
import type { Job } from '../job/job.js';
import { QueueError } from '../job/queue.errors.js';

/** What `host.getType<QueueContextType>()` returns where handlers have guards, interceptors and filters. */
export type QueueContextType = ContextType | 'queue';

interface CalledFor<Payload> {
  queue: string;
  /** The name of the job; jobs of a batch share it. */
  name: string;
  /** The job, or all jobs of the batch. */
  jobs: readonly Job<Payload>[];
}

/** What a handler is called with; of a batch there is no one `job`. */
export type QueueContext<Payload = unknown> =
  | (CalledFor<Payload> & { job: Job<Payload>; context: JobContext })
  | (CalledFor<Payload> & { job?: undefined; context: BatchContext });

/**
 * What the handler is called with that a guard, an interceptor or a filter surrounds.
 * @throws QueueError `INVALID_OPTION`: the call is of another kind, such as HTTP; ask `host.getType()` first.
 */
export function getQueueContext<Payload = unknown>(host: ArgumentsHost): QueueContext<Payload> {
  const type: string = host.getType<QueueContextType>();
  if (type !== 'queue')
    throw new QueueError(
      'INVALID_OPTION',
      `getQueueContext was asked of a call of type "${type}", which no job is about. Ask host.getType() === 'queue' first.`,
    );
  const [called, context] = host.getArgs<[Job<Payload> | Job<Payload>[], never]>();
  const jobs = Array.isArray(called) ? called : [called];
  const { queue, name } = jobs[0]!;
  return { queue, name, jobs, context, ...(!Array.isArray(called) && { job: called }) };
}
