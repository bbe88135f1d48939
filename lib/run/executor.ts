import type { EntityManager } from 'typeorm';
import { isObservable } from 'rxjs';
import type { AddedStep } from '../job/added-step.js';
import { failureOf } from '../job/failure.js';
import { JobResult, type Verdict } from '../job/job-result.js';
import { outcomeOf, UNSTARTED, type Chances, type Outcome } from '../job/outcome.js';
import { isThenable } from '../job/kinds.js';
import { NO_OUTPUT } from '../job/values/output.js';
import { Permit } from '../job/permit.js';
import { quote } from '../job/names.js';
import {
  CriticalError,
  QueueError,
  UnprocessableError,
  type QueueErrorCode,
} from '../job/queue.errors.js';
import type { DataSource } from 'typeorm';
import type { JobRun } from './job-run.js';
import { answerOf, lastValue } from '../handlers/last-value.js';
import type { ContextTools } from './context-tools.js';
import { RunContext } from './run-context.js';
import type { RunReports } from '../observability/run-reports.js';
import { abandonable } from './abandonable.js';
import { DatabaseError } from '../storage/connection/database-errors.js';

export interface ExecutorParts extends ContextTools {
  reports: RunReports;
  dataSource: DataSource;
  rescheduleForMs: number;
  /** Takes the outcome, once per run. */
  settle: (run: JobRun, outcome: Outcome) => void;
}

type Acquire = NonNullable<JobRun['lane']['handler']['acquire']>;

/** Calls handlers and turns whatever they do into outcomes. Never lets an error out. */
export class Executor {
  constructor(private readonly parts: ExecutorParts) {}

  /** Ends when the handler has truly returned, which may be long after its run was settled as timed out. */
  execute(run: JobRun): Promise<void> {
    run.startedAt = performance.now();
    const { acquire } = run.lane.handler;
    return acquire ? this.executeWith(run, acquire) : this.process(run);
  }

  private async executeWith(run: JobRun, acquire: Acquire): Promise<void> {
    await ITS_OWN_TICK;
    const permit = await this.ask(run, acquire);
    if (!permit) return;
    try {
      if (run.abortCode) this.settle(run, UNSTARTED);
      // What was settled while its permit was asked for must not start any more.
      if (!run.settled) await this.process(run);
    } finally {
      await releaseSafely(permit);
    }
  }

  /** The handler's own permits: declining spends no attempt, whatever the result says of attempts. */
  async ask(run: JobRun, acquire: Acquire): Promise<Permit | undefined> {
    try {
      const answer = await acquire(run);
      if (answer instanceof Permit) return answer;
      if (!(answer instanceof JobResult)) throw noPermit(run, answer);
      this.settle(run, this.declined(run, answer.verdict));
    } catch (error) {
      this.settle(run, this.thrown(run, error));
    }
    return undefined;
  }

  private declined(run: JobRun, verdict: Verdict): Outcome {
    if (verdict.kind === 'retry' || verdict.kind === 'reschedule')
      return { kind: 'released', again: verdict.again, reason: 'declined' };
    if (verdict.kind === 'success' || verdict.kind === 'fail')
      return { kind: 'released', again: { delayMs: DECLINED_MS }, reason: 'declined' };
    return outcomeOf(verdict, this.chancesOf(run));
  }

  /** The plain way awaits the handler alone: each further promise costs at 100,000 jobs per second. */
  private async process(run: JobRun): Promise<void> {
    await ITS_OWN_TICK;
    const timer = this.begin(run);
    const { handler } = run.lane;
    let outcome: Outcome;
    try {
      if (handler.options.transactional) outcome = await this.callInTransaction(run);
      else {
        // What is there at once is read at once: other runs of the handler may use the same object.
        let answer = handler.run(run, new RunContext(run, this.parts));
        if (isThenable(answer)) answer = await answer;
        if (isObservable(answer)) answer = await lastValue(answer);
        outcome = this.answered(run, answer);
        if (handler.checkOutput) await checkOutput(run, outcome);
        if (addsSteps(outcome)) outcome = await this.withAdded(run, outcome);
      }
    } catch (error) {
      outcome = this.thrown(run, error);
    }
    clearTimeout(timer);
    if (this.parts.progress.hasNewsOf(run)) await this.writeLast(run);
    this.settle(run, outcome);
  }

  /** Before its end, which is known now: the database's time is not the run's. */
  async writeLast(run: JobRun): Promise<void> {
    run.endedAt = performance.now();
    await this.parts.progress.writeLast(run);
  }

  /** The time of `timeoutMs` begins. */
  begin(run: JobRun): NodeJS.Timeout | undefined {
    this.parts.reports.started(run);
    const timeoutMs = run.options.timeoutMs ?? run.policy.timeoutMs;
    return timeoutMs === undefined
      ? undefined
      : setTimeout(() => this.timeOut(run, timeoutMs), timeoutMs);
  }

  /** Settled at once; the permit stays taken until the handler truly returns. */
  private timeOut(run: JobRun, timeoutMs: number): void {
    if (run.endedAt) return;
    const message = `Job ${run.id} of queue "${run.queue}" ran longer than its timeout of ${timeoutMs} ms.`;
    run.abort('JOB_TIMEOUT', message);
    this.settle(
      run,
      outcomeOf({ kind: 'fail', error: failureOf(run.signal.reason) }, this.chancesOf(run)),
    );
  }

  /** READ COMMITTED whatever the DataSource's default: under others a completion could fail for its snapshot alone. */
  private async callInTransaction(run: JobRun): Promise<Outcome> {
    let outcome: Outcome | undefined;
    const leave = new Error(
      'Leaves the transaction without its completion; not an error of anybody.',
    );
    try {
      await this.parts.dataSource.transaction('READ COMMITTED', async (manager) => {
        // Its time was over while it waited for a connection.
        if (run.settled) throw leave;
        outcome = await abandonable(run, manager, () => this.callWith(run, manager));
        if (outcome.kind !== 'succeeded' || run.settled) throw leave;
        if (run.completed) return;
        const { stored = NO_OUTPUT, added } = outcome;
        const told = added === undefined ? stored : { ...stored, added };
        await this.parts.completer.complete(run, told, { manager });
      });
    } catch (error) {
      if (error !== leave) throw error;
    }
    return outcome!;
  }

  private async callWith(run: JobRun, manager: EntityManager): Promise<Outcome> {
    const context = new RunContext(run, this.parts, manager);
    let answer = answerOf(run.lane.handler.run(run, context));
    if (isThenable(answer)) answer = await answer;
    let outcome = this.answered(run, answer);
    await checkOutput(run, outcome);
    if (addsSteps(outcome)) outcome = await this.withAdded(run, outcome);
    // Its completion follows, in the transaction.
    if (this.parts.progress.hasNewsOf(run)) await this.parts.progress.writeLast(run);
    return outcome;
  }

  /** The output is read here: what the handler does with it afterwards is its own. */
  answered(run: JobRun, answer: unknown): Outcome {
    if (answer === undefined) return { kind: 'succeeded', output: undefined, stored: NO_OUTPUT };
    if (!(answer instanceof JobResult)) return this.succeeded(run, answer);
    const { verdict } = answer;
    if (verdict.kind !== 'success') return outcomeOf(verdict, this.chancesOf(run));
    const outcome = this.succeeded(run, verdict.output);
    return verdict.then && outcome.kind === 'succeeded'
      ? { ...outcome, then: verdict.then }
      : outcome;
  }

  private succeeded(run: JobRun, output: unknown): Outcome {
    try {
      return { kind: 'succeeded', output, stored: this.parts.completer.stored(run, output) };
    } catch (error) {
      return this.thrown(run, error);
    }
  }

  /** What cannot be added ends the job at once: another attempt would add it no better, and do its work again. */
  async withAdded(run: JobRun, outcome: Adding): Promise<Outcome> {
    try {
      return { ...outcome, added: await this.parts.added(run, outcome.then) };
    } catch (error) {
      if (error instanceof QueueError && !(error instanceof DatabaseError))
        return { kind: 'critical', error: failureOf(error) };
      return this.thrown(run, error);
    }
  }

  /** What a handler throws after the abort of a shutdown or a lost lease, or for its progress, is not its fault: the attempt is given back. */
  thrown(run: JobRun, error: unknown): Outcome {
    const code = this.parts.progress.hinders(run) ? 'LEASE_LOST' : run.abortCode;
    const reason = code && GIVEN_BACK[code];
    if (reason) return { kind: 'released', again: { delayMs: 0 }, reason };
    return outcomeOf(verdictOfError(error), this.chancesOf(run), error);
  }

  private chancesOf(run: JobRun): Chances {
    return {
      attempt: run.attempt,
      maxAttempts: run.maxAttempts,
      rescheduledMs: run.rescheduledMs,
      rescheduleForMs: this.parts.rescheduleForMs,
      backoff: run.backoff,
    };
  }

  /** Its completion was refused, or is undone with another one of its transaction. */
  private hasMissed(run: JobRun): boolean {
    return run.completed
      ? !run.committed && this.parts.progress.hinders(run)
      : run.uncompleted !== undefined;
  }

  settle(run: JobRun, outcome: Outcome): void {
    if (run.settled) return;
    const missed = outcome.kind === 'succeeded' && this.hasMissed(run);
    run.settled = true;
    run.outcome = missed ? this.thrown(run, notCompleted(run)) : outcome;
    run.endedAt ||= performance.now();
    run.abandon?.();
    this.parts.settle(run, run.outcome);
  }
}

/** Its transaction was left by that error, or rolls back for it: what the handler wrote there is not stored. */
function notCompleted({ id, queue, uncompleted }: JobRun): QueueError {
  const { message } = failureOf(uncompleted);
  return new QueueError(
    'COMPLETION_ROLLED_BACK',
    `The handler returned although context.complete of job ${id} of queue "${queue}" had failed: ${message}`,
    { cause: uncompleted },
  );
}

type Adding = Extract<Outcome, { kind: 'succeeded' }> & {
  then: readonly AddedStep[];
};

export const addsSteps = (outcome: Outcome): outcome is Adding =>
  outcome.kind === 'succeeded' && outcome.then !== undefined;

/** What was completed in the handler's own transaction was looked at there. */
export async function checkOutput(run: JobRun, outcome: Outcome): Promise<void> {
  if (outcome.kind === 'succeeded' && !run.completed)
    await run.lane.handler.checkOutput?.(run, outcome.stored ?? NO_OUTPUT);
}

/** Awaited before user code: what it enters before its own first `await` (`enterWith`) must not reach the next job that starts here. */
export const ITS_OWN_TICK = Promise.resolve();

/** After a permit was declined without a word of when to ask again. */
const DECLINED_MS = 1_000;

/** Aborts that are nobody's failure. */
const GIVEN_BACK: { readonly [code in QueueErrorCode]?: 'shutdown' | 'leaseLost' } = {
  SHUTDOWN: 'shutdown',
  LEASE_LOST: 'leaseLost',
};

/** Whoever forgets to return something would be asked again for ever, and never run. */
function noPermit({ lane }: JobRun, answer: unknown): QueueError {
  const message = `acquire() of ${lane.handler.label} (queue "${lane.queue}") returned ${quote(answer)}. It must return a Permit, e.g. Permit.free, to let the job run, or a JobResult to decline it.`;
  return new QueueError('HANDLER_INVALID', message);
}

function verdictOfError(error: unknown): Verdict {
  if (error instanceof UnprocessableError)
    return { kind: 'unprocessable', error: failureOf(error) };
  if (error instanceof CriticalError) return { kind: 'critical', error: failureOf(error) };
  return { kind: 'fail', error: failureOf(error) };
}

/** A permit that cannot be released must not undo a finished job. */
export async function releaseSafely(permit: Permit): Promise<void> {
  try {
    await permit.release();
  } catch {
    // The handler's own limiter is broken; its next acquire will say so.
  }
}
