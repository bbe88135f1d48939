import { checkObject } from '../enqueue/option-checks.js';
import { QueueError } from '../job/queue.errors.js';
import { DAY_MS, msOf, type Duration } from '../job/values/duration.js';
import type { QueueEventBus } from '../observability/events.js';
import { duration } from '../options/handler-rules.js';
import { bounded, type Bound } from '../runtime/bounded.js';
import { Loop } from '../runtime/loop.js';
import { must, shape } from '../runtime/rules.js';
import type { WorkflowReadingRepository } from '../storage/workflows/workflow-reading.repository.js';
import { unknown } from './found.js';

/** How long to wait for the end of a workflow. */
export interface WorkflowWaitOptions {
  /** Default 30,000 ms, a day at most. */
  timeoutMs?: Duration;
  /** Ends the wait; the workflow goes on. */
  signal?: AbortSignal;
}

const TIMEOUT_MS = 30_000;
const FIRST_REST_MS = 5;
const MAX_REST_MS = 1_000;

const waitOptions = shape({
  timeoutMs: duration(1, DAY_MS),
  signal: must((value) => value instanceof AbortSignal, 'an AbortSignal'),
});

/** Looks whether a workflow has ended, ever more rarely; what this process hears makes the next look earlier. */
export class WorkflowWait {
  private readonly bound: Bound;

  /** @throws QueueError `INVALID_OPTION` */
  constructor(
    private readonly id: string,
    options: WorkflowWaitOptions,
    private readonly parts: { states: WorkflowReadingRepository; events: QueueEventBus },
  ) {
    checkObject('options', options, 'workflows.wait');
    const { timeoutMs = TIMEOUT_MS } = options;
    const given = { ...options, timeoutMs: msOf(timeoutMs) };
    const problems = waitOptions(given, '');
    if (problems.length > 0)
      throw new QueueError('INVALID_OPTION', `workflows.wait: ${problems.join('; ')}.`);
    this.bound = given;
  }

  /** What `found` finds then, in the same time. */
  over<Found>(found: () => Promise<Found>): Promise<Found> {
    const { id } = this;
    const ends = {
      late: (ms: number) => late(id, ms),
      aborted: (reason: unknown) => aborted(id, reason),
    };
    return bounded(this.bound, ends, (over) => this.ended(found, over));
  }

  /** A look that fails is made again, as where a job is waited for. */
  private ended<Found>(found: () => Promise<Found>, over: AbortSignal): Promise<Found> {
    const { events } = this.parts;
    return new Promise((resolve, reject) => {
      let restMs = FIRST_REST_MS;
      const look = async (): Promise<number> => {
        const has = await this.hasEnded();
        if (has === undefined) reject(unknown(this.id));
        else if (has) resolve(await found());
        else return (restMs = Math.min(2 * restMs, MAX_REST_MS));
        return stop();
      };
      const onError = (error: unknown, ms: number): void => {
        if (!isClosed(error)) return events.emit('loopFailed', () => ({ loop: 'wait', error, restMs: ms })); // prettier-ignore
        reject(error);
        stop();
      };
      const loop = new Loop('wait', look, { onError, maxRestMs: MAX_REST_MS });
      const hear = ({ id }: { id: string }): void => void (id === this.id && loop.wake());
      const stops = [events.on('workflowEnded', hear), events.on('workflowStuck', hear)];
      const stop = (): number => {
        for (const each of stops) each();
        void loop.stop();
        return Infinity;
      };
      over.addEventListener('abort', stop);
      loop.start();
    });
  }

  /** undefined: nobody knows it. */
  private async hasEnded(): Promise<boolean | undefined> {
    const state = await this.parts.states.stateOf(this.id);
    return state && state !== 'running' && state !== 'compensating';
  }
}

const isClosed = (error: unknown): error is QueueError =>
  error instanceof QueueError && error.code === 'CLOSED';

const aborted = (id: string, cause: unknown): QueueError =>
  new QueueError(
    'WAIT_ABORTED',
    `Waiting for workflow ${id} was aborted by its signal. The workflow continues; cancel it if nobody wants it.`,
    { cause },
  );

const late = (id: string, timeoutMs: number): QueueError =>
  new QueueError(
    'WAIT_TIMEOUT',
    `Workflow ${id} has not ended within ${timeoutMs} ms. It continues: wait for it again, or look at it with find(id).`,
  );
