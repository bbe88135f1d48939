import { checkNoMore, checkObject } from '../enqueue/option-checks.js';
import { checkCall } from '../enqueue/call-options.js';
import { refuseSpooled } from '../enqueue/on-disk.js';
import { signalOf } from '../enqueue/signal-of.js';
import type { InTransaction } from '../job/enqueue-options.js';
import { checkId, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { CancelWorkflowOptions, FoundWorkflow, ListWorkflowsOptions, StartedWorkflow, StartOptions, WorkflowSummary } from '../job/workflow.js'; // prettier-ignore
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { later } from '../runtime/later.js';
import { isHeld } from '../storage/enqueue/held-jobs.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import type { Run } from '../storage/connection/database.js';
import type { Storage } from '../storage/storage.js';
import { ENDED } from '../storage/wake-ups/wake-up.js';
import type { NewWorkflow } from '../storage/workflows/workflow.repository.js';
import type { AddedStep } from '../job/added-step.js';
import type { Adder } from './adder.js';
import type { Advancer } from './advancer.js';
import type { AnyWorkflow, OutputsOf } from './builder.js';
import { checkAdded, checkedCancel, checkedList, checkedStart, checkSteps } from './checked-calls.js'; // prettier-ignore
import { Drafted } from './drafted.js';
import { foundWorkflow, summaryOf, unknown } from './found.js';
import type { WorkflowWaitOptions } from './workflow-wait.js';

/** The holder of a key may end between insert and look, again and again in theory. */
const MAX_ROUNDS = 5;
const MAX_UPSTREAM_BYTES = 16 * 1_024 * 1_024;
const BY_ITSELF = 'it commits by itself';

/** Starts workflows, looks at them, and stops them. A call with `manager` (or inside an ambient transaction) takes effect if and only if that one commits. */
export class QueueWorkflows {
  private readonly drafted: Drafted;
  private readonly advancer: Advancer;
  private readonly adder: Adder;

  /** @internal The module makes it. */
  constructor(
    private readonly storage: Storage,
    options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {
    this.drafted = new Drafted(options, storage.lanes);
    // What moves workflows on is loaded when one is to be: starting one is storing it.
    this.adder = later(async () => new (await import('./adder.js')).Adder(storage, options));
    this.advancer = later(async () => {
      const { Advancer } = await import('./advancer.js');
      return new Advancer({ storage, options, events });
    });
  }

  /**
   * Stores a workflow: the jobs of what waits for nothing, and drafts of all others. All of it or nothing.
   * @throws QueueError as `QueueService.enqueue`, naming the step; `WORKFLOW_INVALID` for one without steps, `DEPENDENCY_UNKNOWN` for a job that nobody knows.
   */
  async start(draft: AnyWorkflow, options: StartOptions = {}): Promise<StartedWorkflow> {
    const { manager, ...terms } = checkedStart(draft, options);
    const joined = this.storage.database.transactionOf({ manager });
    const id = this.drafted.newId();
    const stages = await this.drafted.stages([...draft.steps], id, joined);
    await refuseSpooled(this.storage.spool, namedBy(stages));
    const flow: NewWorkflow = { id, name: draft.name, stages, ...terms };
    const since = performance.now();
    const answer = await this.storing(joined, flow, (run) => this.store(run, flow));
    if (answer.created) this.wake(flow, joined, since);
    return answer;
  }

  /** undefined: unknown, or no longer kept. */
  async find(id: string, options: InTransaction = {}): Promise<FoundWorkflow | undefined> {
    checkCall('find', options);
    const row = await this.storage.database.within(
      this.storage.database.transactionOf(options),
      (run) => this.storage.workflows.reading.find(run, checkId(id)),
    );
    return row && foundWorkflow(row);
  }

  /** The newest first, without their steps. */
  async list(options: ListWorkflowsOptions = {}): Promise<WorkflowSummary[]> {
    return (await this.storage.workflows.reading.list(checkedList(options))).map(summaryOf);
  }

  /**
   * What the steps that a job waited for have answered, by their names: of `each` a list in the order of its payloads. null: no output. A
   * compensation reads what it undoes, under the name of that step; of `each` a list of one.
   * @throws QueueError `OUTPUT_TOO_LARGE` above 16 MiB, `WORKFLOW_UNKNOWN` for a job that is no step.
   */
  async upstream<Flow extends AnyWorkflow>(job: { id: string }): Promise<Partial<OutputsOf<Flow>>> {
    const { reading } = this.storage.workflows;
    checkObject('upstream takes a job, which', job);
    const id = checkId(job.id);
    const bytes = await reading.upstreamBytes(id);
    if (bytes === undefined) throw noStep(id);
    if (bytes > MAX_UPSTREAM_BYTES) throw tooLarge(id, bytes);
    return reading.upstream<Partial<OutputsOf<Flow>>>(id);
  }

  /** Waits until it has ended or is stuck, in whatever process that comes. @throws QueueError `WAIT_TIMEOUT`, `WAIT_ABORTED`, `WORKFLOW_UNKNOWN` */
  async wait(id: string, options: WorkflowWaitOptions = {}): Promise<FoundWorkflow> {
    const states = this.storage.workflows.reading;
    const { WorkflowWait } = await import('./workflow-wait.js');
    const wait = new WorkflowWait(checkId(id), options, { states, events: this.events });
    return (await wait.over(() => this.find(id))) ?? fail(unknown(id));
  }

  /**
   * Nothing of it begins any more, what waits is cancelled, and what runs is asked to stop; it has ended as soon as that has, and what had completed
   * is compensated. With `compensate: false` it is not, also where that has begun. False: it had ended, or compensates already; in a
   * transaction of the caller's it may have when that commits.
   * @throws QueueError `WORKFLOW_UNKNOWN`
   */
  async cancel(id: string, options: CancelWorkflowOptions = {}): Promise<boolean> {
    const why = checkedCancel(options);
    const { database, workflows, signals } = this.storage;
    const joined = database.transactionOf(options);
    const asked = await database.within(joined, async (run) => {
      if (!(await workflows.askToStop(run, checkId(id), why)))
        return (await workflows.reading.find(run, id)) ? false : fail(unknown(id));
      // What waits must not begin between the commit and the duty's look.
      if (joined) await this.advancer.cancelJobs(run, checkId(id), why);
      return true;
    });
    if (!asked) return false;
    if (!joined) await this.advance();
    else
      signals.onCommit(joined.runner, () => {
        signals.send({ lanes: [], cancel: true, ...ENDED });
        void this.advance();
      });
    return joined !== undefined || this.stops(id);
  }

  /** A step that ended at the same moment may have been the last: only under the lock of the row is it known what became of both. */
  private async stops(id: string): Promise<boolean> {
    const flow = await this.storage.workflows.lock(this.storage.database.waiters.run, id);
    return flow === undefined || flow.state === 'running' || flow.stop !== null;
  }

  /**
   * Another attempt of a workflow that failed or was cancelled: what did not succeed runs again, in order, and what was skipped waits again. A failed
   * job that waits again, or is not kept, has a new id. What succeeded is not repeated; where all has, it has succeeded. Of one that is stuck the compensation that failed runs again, and the others go on
   * behind it. Answers the number of the attempt.
   * @throws QueueError `WORKFLOW_UNKNOWN`, `WORKFLOW_RUNNING`, `WORKFLOW_INVALID` if it succeeded or was compensated, `UNIQUE_KEY_TAKEN`
   */
  retry(id: string): Promise<number>;
  async retry(id: string, ...more: unknown[]): Promise<number> {
    checkNoMore('workflows.retry', more, BY_ITSELF);
    const { database, signals } = this.storage;
    const waiters = database.waiters.about(() => [`workflow ${checkId(id)}`]);
    const { revived } = await import('./retried.js');
    const { flow, signal } = await waiters.transaction((run) =>
      revived(this.storage, run, { id: checkId(id), newId: () => this.drafted.newId() }),
    );
    signals.send(signal);
    const { state, attempt } = flow;
    if (state === 'succeeded') this.events.emit('workflowEnded', () => ({ ...flow, state }));
    await this.advance();
    return attempt;
  }

  /**
   * Adds jobs to steps of a running workflow, each by the name of its step: those that wait for it wait for these, too. A job of an open batch may
   * do so with `item`. In a transaction of its own, since it locks the workflow: a run that is repeated adds them again, `then` of its result does not.
   * @throws QueueError `WORKFLOW_ENDED` where the workflow or the step does not run, `WORKFLOW_UNKNOWN`, `WORKFLOW_INVALID` also for a step that it does not have
   */
  add(id: string, steps: readonly AddedStep[]): Promise<void>;
  async add(id: string, steps: readonly AddedStep[], ...more: unknown[]): Promise<void> {
    checkNoMore('workflows.add', more, BY_ITSELF);
    checkSteps(steps);
    const added = [...steps];
    const { database, workflows, signals } = this.storage;
    const waiters = database.waiters.about(() => [`workflow ${checkId(id)}`]);
    const jobs = await this.adder.jobsOf(added, checkId(id));
    const since = performance.now();
    await waiters.transaction(async (run) => {
      const flow = (await workflows.reading.find(run, id)) ?? fail(unknown(id));
      checkAdded(id, flow.stages.map(({ name }) => name), added); // prettier-ignore
      await this.adder.store(run, id, jobs);
    });
    signals.send(signalOf(jobs.map(({ job }) => job)), undefined, since);
  }

  /** Whatever is left over goes on in the loops of any worker; what the caller asked for is committed, and no error takes it back. */
  private async advance(): Promise<void> {
    const round = () => this.advancer.round().catch(() => Infinity);
    for (let rounds = 0; rounds < MAX_ROUNDS && (await round()) === 0; rounds++);
  }

  private storing<T>(
    joined: Joined | undefined,
    { uniqueKey, name, stages }: NewWorkflow,
    work: (run: Run) => Promise<T>,
  ): Promise<T> {
    if (joined) return joined.alone(work);
    const { callers, waiters } = this.storage.database;
    const waits = uniqueKey !== undefined || stages.some(({ jobs }) => jobs.some(isHeld));
    return waits
      ? waiters.about(() => [`workflow ${name} ${uniqueKey}`]).transaction(work)
      : callers.transaction(work);
  }

  private async store(run: Run, flow: NewWorkflow): Promise<StartedWorkflow> {
    const { workflows, enqueues } = this.storage;
    const { id, name, uniqueKey } = flow;
    await this.refuseUnknown(run, flow);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (await workflows.start(run, flow)) {
        const jobs = rootJobs(flow);
        if (jobs.length > 0) await enqueues.insertIn(run, jobs);
        return { id, created: true };
      }
      const holder = await workflows.holderOf(run, name, uniqueKey!);
      if (holder) return { id: holder, created: false };
    }
    throw new QueueError(
      'TRANSACTION_CONFLICT',
      `The unique key of workflow ${quote(name)} changed hands ${MAX_ROUNDS} times. Start it again.`,
    );
  }

  /** One that runs already may have outlived the jobs that it waited for. */
  private async refuseUnknown(
    run: Run,
    { id, name, uniqueKey, stages }: NewWorkflow,
  ): Promise<void> {
    const { workflows } = this.storage;
    const unknown = await workflows.awaited.unknown(run, id, namedBy(stages));
    if (unknown === undefined) return;
    if (uniqueKey !== undefined && (await workflows.holderOf(run, name, uniqueKey))) return;
    const step = stages.find(({ awaits }) => awaits?.job === unknown.id)!;
    const { unknownDependency } = await import('../storage/staged/dependencies.js');
    throw unknownDependency(`workflows.start: step ${quote(step.name)}`, unknown);
  }

  private wake(flow: NewWorkflow, joined: Joined | undefined, since: number): void {
    const jobs = rootJobs(flow);
    const awaits = flow.stages.some((stage) => stage.awaits !== undefined);
    const signal = jobs.length > 0 ? signalOf(jobs) : { lanes: [], later: true };
    const wakeUp = awaits ? { ...signal, later: true } : signal;
    this.storage.signals.send(wakeUp, joined?.runner, since);
  }
}

const namedBy = (stages: NewWorkflow['stages']): string[] =>
  stages.flatMap(({ awaits }) => awaits?.job ?? []);

const rootJobs = ({ stages }: NewWorkflow) =>
  stages.filter(({ after }) => after.length === 0).flatMap(({ jobs }) => jobs);

function fail(error: QueueError): never {
  throw error;
}

const noStep = (id: string): QueueError =>
  new QueueError('WORKFLOW_UNKNOWN', `Job ${id} is no step of a workflow that is kept.`);

const tooLarge = (id: string, bytes: number): QueueError =>
  new QueueError(
    'OUTPUT_TOO_LARGE',
    `The outputs of the steps before job ${id} have ${bytes} bytes, more than ${MAX_UPSTREAM_BYTES}. Let those steps store them elsewhere, and return where they are.`,
  );
