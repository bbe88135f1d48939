import type { ContextCarrier } from '../job/context-carrier.js';
import { failureOf } from '../job/failure.js';
import { isError } from '../job/kinds.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import type { Telemetry } from '../observability/telemetry.js';
import type { Call } from './job-batch.js';
import { ITS_OWN_TICK } from './executor.js';
import { JobBatch } from './job-batch.js';
import { JobRun } from './job-run.js';

type Execute = (call: Call) => Promise<void>;

interface SurroundingsParts {
  carriers: readonly ContextCarrier[];
  telemetry?: Telemetry;
  events: QueueEventBus;
  /** Ends a run that must not start without its context. */
  refuse: (run: JobRun, error: QueueError) => void;
}

/** What surrounds each call of a handler. Nothing at all where nothing is given. */
export function withMiddleware(execute: Execute, parts: SurroundingsParts): Execute {
  const carried = parts.carriers.length > 0 ? withCarriers(execute, parts) : execute;
  return parts.telemetry?.process ? withTelemetry(carried, parts.telemetry) : carried;
}

/** Telemetry that fails, or forgets to go on, keeps no job from running. */
function withTelemetry(execute: Execute, telemetry: Telemetry): Execute {
  return async (call) => {
    await ITS_OWN_TICK;
    const jobs = call instanceof JobBatch ? call.runs : [call];
    let ran: Promise<void> | undefined;
    const next = (): Promise<void> => (ran ??= execute(call));
    try {
      await telemetry.process!(
        { queue: call.lane.queue, jobs, outcomeOf: (job) => (job as JobRun).outcome },
        next,
      );
    } catch {
      // Nobody's error but its own.
    }
    await next();
  };
}

/** The jobs of a batch come from contexts of their own, and share one call: none is restored. */
function withCarriers(execute: Execute, { carriers, events, refuse }: SurroundingsParts): Execute {
  return async (call) => {
    if (call instanceof JobBatch) return execute(call);
    await ITS_OWN_TICK;
    let ran: Promise<void> | undefined;
    const next = (): Promise<void> => (ran ??= execute(call));
    const restore = carriers.reduceRight<() => Promise<void>>(
      (inner, carrier) => () => carrier.restore(call, inner),
      next,
    );
    const problem = await problemOf(restore);
    if (!ran)
      return refuse(call, unrestored(call, problem ?? new Error('restore() did not call next().')));
    await ran;
    if (problem)
      events.emit('warning', () => ({
        code: 'CARRIER_FAILED',
        message: afterwards(call, problem),
      }));
  };
}

/** Running never throws: what is thrown is the carriers'. */
async function problemOf(restore: () => Promise<void>): Promise<Error | undefined> {
  try {
    await restore();
    return undefined;
  } catch (error) {
    return isError(error) ? error : new Error(failureOf(error).message);
  }
}

function unrestored(run: JobRun, cause: Error): QueueError {
  const message = `A carrier could not restore the context of job ${run.id} of queue "${run.queue}", which did not run without it: ${failureOf(cause).message}`;
  return new QueueError('CONTEXT_INVALID', message, { cause });
}

function afterwards(run: JobRun, problem: Error): string {
  return `A carrier failed after job ${run.id} of queue "${run.queue}" had run, which changes nothing: ${failureOf(problem).message}`;
}
