import type { HandleJobOptions } from '../job/job-handler.js';
import type { Job } from '../job/job.js';
import type { JobContext } from '../job/job-context.js';
import type { JobResult } from '../job/job-result.js';
import type { Permit } from '../job/permit.js';
import { QueueError } from '../job/queue.errors.js';

/** One handler, ready to be called. `name` is undefined for a class's `process`: it takes the names no other takes. */
export interface Handler {
  queue: string;
  name: string | undefined;
  /** Class and method, for messages. */
  label: string;
  options: HandleJobOptions;
  /** Whose `concurrency` it is: methods that take it from their class share one bound. */
  bound: object;
  run: (job: Job, context: JobContext) => unknown;
  acquire?: (job: Job) => Promise<Permit | JobResult> | Permit | JobResult;
  /** Of a template with an output schema: says so where an output does not fit. */
  checkOutput?: (job: Job, output: unknown) => Promise<void>;
}

/** The handlers of one module instance; filled once at start. Maps, not objects: a queue may be called `__proto__`. */
export class HandlerRegistry {
  private readonly queues = new Map<string, Map<string | undefined, Handler>>();

  add(handler: Handler): void {
    const handlers = this.queues.get(handler.queue) ?? new Map<string | undefined, Handler>();
    const known = handlers.get(handler.name);
    if (known) throw duplicate(known, handler);
    this.queues.set(handler.queue, handlers.set(handler.name, handler));
  }

  find(queue: string, name: string): Handler | undefined {
    const handlers = this.queues.get(queue);
    return handlers?.get(name) ?? handlers?.get(undefined);
  }

  queueNames(): string[] {
    return [...this.queues.keys()];
  }

  all(): Handler[] {
    return [...this.queues.values()].flatMap((handlers) => [...handlers.values()]);
  }
}

function duplicate(known: Handler, second: Handler): QueueError {
  const named = known.name === '' ? 'jobs without a name' : `jobs named "${known.name}"`;
  const which = known.name === undefined ? 'jobs' : named;
  return new QueueError(
    'HANDLER_DUPLICATE',
    `Queue "${known.queue}" has two handlers for its ${which}: ${known.label} and ${second.label}. Keep one, or give one a name with @HandleJob('name').`,
  );
}
