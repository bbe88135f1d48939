import { types } from 'node:util';
import { JobResult } from '../job/job-result.js';
import { hush, hushWithin, isError, isThenable, safely } from '../job/kinds.js';
import type { BatchResult } from '../job/job-handler.js';
import type { Job } from '../job/job.js';
import { UNSTARTED, type Outcome } from '../job/outcome.js';
import type { Permit } from '../job/permit.js';
import { QueueError } from '../job/queue.errors.js';
import { BatchRunContext } from './batch-run-context.js';
import { addsSteps, checkOutput, ITS_OWN_TICK, releaseSafely, type Executor } from './executor.js';
import type { JobBatch } from './job-batch.js';
import type { JobRun } from './job-run.js';
import { answerOf } from '../handlers/last-value.js';
import type { ContextTools } from './context-tools.js';

type BatchMethod = (jobs: Job[], context: BatchRunContext) => unknown;

/** Calls batch handlers. Each job has its own clock, its own outcome and its own end; they share one call. Never lets an error out. */
export class BatchExecutor {
  constructor(
    private readonly single: Executor,
    private readonly tools: ContextTools,
  ) {}

  /** Ends when the handler has truly returned. */
  async execute({ lane, runs }: JobBatch): Promise<void> {
    for (const run of runs) run.startedAt = performance.now();
    await ITS_OWN_TICK;
    if (!lane.handler.acquire) return this.process(runs);
    const permits = await Promise.all(
      runs.map((run) => this.single.ask(run, lane.handler.acquire!)),
    );
    try {
      await this.process(runs.filter((run, index) => permits[index] && this.mayStart(run)));
    } finally {
      await Promise.all(
        permits.filter((permit): permit is Permit => permit !== undefined).map(releaseSafely),
      );
    }
  }

  /** What was settled or aborted while its permit was asked for must not start any more. */
  private mayStart(run: JobRun): boolean {
    if (run.abortCode) this.single.settle(run, UNSTARTED);
    return !run.settled;
  }

  private async process(runs: readonly JobRun[]): Promise<void> {
    if (runs.length === 0) return;
    const timers = runs.map((run) => this.single.begin(run));
    try {
      const method = runs[0]!.lane.handler.run as unknown as BatchMethod;
      let answer = answerOf(method([...runs], new BatchRunContext(runs, this.tools)));
      if (isThenable(answer)) answer = await answer;
      if (answer === undefined || answer === null) missAll(runs);
      const results = resultsOf(runs, answer);
      await Promise.all(runs.flatMap((run, index) => this.settle(run, results[index]) ?? []));
    } catch (error) {
      const outcomes = runs.map((run) => this.single.thrown(run, error));
      await Promise.all(runs.map((run, index) => this.settleChecked(run, outcomes[index]!)));
    } finally {
      timers.forEach((timer) => clearTimeout(timer));
    }
  }

  /** At once where there is nothing to wait for. */
  private settle(run: JobRun, result: BatchResult): Promise<void> | undefined {
    if (safely(() => isThenable(result))) return this.settleLater(run, result);
    const outcome = this.outcomeOf(run, result);
    const adds = outcome.kind === 'succeeded' && outcome.then !== undefined;
    if (adds || run.lane.handler.checkOutput || this.tools.progress.hasNewsOf(run))
      return this.settleChecked(run, outcome);
    this.single.settle(run, outcome);
    return undefined;
  }

  /** A promise is the work of its job: that fails where the promise does, and no other. */
  private async settleLater(run: JobRun, result: unknown): Promise<void> {
    await this.settleChecked(run, await this.outcomeLater(run, result));
  }

  private async outcomeLater(run: JobRun, result: unknown): Promise<Outcome> {
    try {
      return this.outcomeOf(run, await result);
    } catch (error) {
      return this.single.thrown(run, error);
    }
  }

  private outcomeOf(run: JobRun, result: unknown): Outcome {
    return isError(result) ? this.single.thrown(run, result) : this.single.answered(run, result);
  }

  private async settleChecked(run: JobRun, outcome: Outcome): Promise<void> {
    await checkOutput(run, outcome);
    const whole = addsSteps(outcome) ? await this.single.withAdded(run, outcome) : outcome;
    if (this.tools.progress.hasNewsOf(run)) await this.single.writeLast(run);
    this.single.settle(run, whole);
  }
}

/** A batch that says nothing of each job says nothing of those, either, that came behind a completion which failed. */
function missAll(runs: readonly JobRun[]): void {
  const failed = runs.find((run) => run.uncompleted !== undefined);
  for (const run of failed ? runs : []) run.uncompleted ??= failed!.uncompleted;
}

/** One result per job, in the order of the jobs. */
function resultsOf(runs: readonly JobRun[], answer: unknown): readonly BatchResult[] {
  if (answer === undefined || answer === null || answer instanceof JobResult)
    return runs.map(() => answer as BatchResult);
  if (types.isMap(answer)) {
    // Those of other jobs as well: nobody waits for them.
    for (const result of answer.values()) hush(result);
    return runs.map((run) => resultIn(answer as ReadonlyMap<string, BatchResult>, run));
  }
  if (Array.isArray(answer) && answer.length === runs.length) return answer as BatchResult[];
  hushWithin(answer);
  if (!Array.isArray(answer)) throw mismatch(runs[0]!, `returned a value of type ${typeof answer}`);
  throw mismatch(runs[0]!, `got ${runs.length} jobs and returned ${answer.length} results`);
}

/** A job that was forgotten fails by itself: of the others it is known what became of them. */
function resultIn(results: ReadonlyMap<string, BatchResult>, run: JobRun): BatchResult {
  return results.has(run.id)
    ? results.get(run.id)
    : mismatch(run, `returned a Map without job ${run.id}`);
}

function mismatch({ lane, queue }: JobRun, problem: string): QueueError {
  return new QueueError(
    'BATCH_MISMATCH',
    `The batch handler ${lane.handler.label} of queue "${queue}" ${problem}. Return an array with one result per job in order, a Map of results by job id, one JobResult for all, or nothing.`,
  );
}
