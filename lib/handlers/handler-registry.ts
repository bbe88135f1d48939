import type { HandleJobOptions } from '../job/job-handler.js';
import type { Job } from '../job/job.js';
import type { JobContext } from '../job/job-context.js';
import type { AnyTemplate } from '../job/job-template.js';
import type { StoredOutput } from '../job/values/output.js';
import type { JobResult } from '../job/job-result.js';
import type { InMs } from '../job/values/duration.js';
import type { Permit } from '../job/permit.js';
import { QueueError } from '../job/queue.errors.js';
import type { FoundSchedule } from '../job/schedule.js';
import { byCloseness, isPattern, matches } from '../job/values/queue-pattern.js';

/** One handler, ready to be called. `name` is undefined for a class's `process`: it takes the names no other takes. */
export interface Handler {
  /** A queue's name, or a pattern such as `mail.*`. */
  queue: string;
  name: string | undefined;
  /** Class and method, for messages. */
  label: string;
  options: InMs<HandleJobOptions>;
  /** Whose `concurrency` it is: methods that take it from their class share one bound. */
  bound: object;
  run: (job: Job, context: JobContext) => unknown;
  acquire?: (job: Job) => Promise<Permit | JobResult> | Permit | JobResult;
  /** What its jobs are made from, where it was declared by one. */
  template?: AnyTemplate;
  /** Of a template with an output schema: says so where an output does not fit. */
  checkOutput?: (job: Job, stored: StoredOutput) => Promise<void>;
}

/** A job as its handler is called with it: schemas and pipes put what they made of its payload in its place. */
export interface CalledJob extends Job {
  takePayload(parsed: unknown): void;
  /** `context.complete` succeeded in the handler's transaction. */
  readonly completed: boolean;
}

/** The handlers of one module instance; filled once at start. Maps, not objects: a queue may be called `__proto__`. */
export class HandlerRegistry {
  private readonly queues = new Map<string, Map<string | undefined, Handler>>();
  private patterns: string[] = [];
  /** The application's handlers are in it: `onModuleInit` has been. */
  isFilled = false;
  /** What is on the handlers beside their queues. */
  readonly schedules: FoundSchedule[] = [];

  add(handler: Handler): void {
    const handlers = this.queues.get(handler.queue) ?? new Map<string | undefined, Handler>();
    const known = handlers.get(handler.name);
    if (known) throw duplicate(known, handler);
    this.queues.set(handler.queue, handlers.set(handler.name, handler));
    this.patterns = [...this.queues.keys()].filter(isPattern).sort(byCloseness);
  }

  /** The queue's own handlers first, then those of the longest prefix that has one for this name. */
  find(queue: string, name: string): Handler | undefined {
    for (const handlers of this.levelsOf(queue)) {
      const handler = handlers.get(name) ?? handlers.get(undefined);
      if (handler) return handler;
    }
    return undefined;
  }

  /** All handlers that may get jobs of this queue. */
  of(queue: string): Handler[] {
    const names = new Map<string | undefined, Handler>();
    for (const handlers of this.levelsOf(queue)) {
      for (const [name, handler] of handlers) if (!names.has(name)) names.set(name, handler);
      // It takes all names that are left: nothing falls through to a wider pattern.
      if (handlers.has(undefined)) break;
    }
    return [...names.values()];
  }

  queueNames(): string[] {
    return [...this.queues.keys()];
  }

  all(): Handler[] {
    return [...this.queues.values()].flatMap((handlers) => [...handlers.values()]);
  }

  private levelsOf(queue: string): Map<string | undefined, Handler>[] {
    const own = this.queues.get(queue);
    const wider = this.patterns
      .filter((pattern) => matches(pattern, queue))
      .map((pattern) => this.queues.get(pattern)!);
    return own ? [own, ...wider] : wider;
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
