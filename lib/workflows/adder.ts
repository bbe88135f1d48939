import type { AddedStep } from '../job/added-step.js';
import { quote } from '../job/names.js';
import type { NewJob } from '../job/new-job.js';
import { QueueError } from '../job/queue.errors.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Run } from '../storage/connection/database.js';
import type { Storage } from '../storage/storage.js';
import type { AddedJob, Adding } from '../storage/workflows/adding.repository.js';
import { MAX_JOBS } from './builder.js';
import { Drafted } from './drafted.js';

/** Jobs of all that one step adds, or one call. */
const MAX_ADDED = 10_000;

/** Jobs that a workflow gets while it runs: checked as an enqueue checks them, and stored where nobody can overtake them. */
export class Adder {
  private readonly drafted: Drafted;

  constructor(
    private readonly storage: Pick<Storage, 'workflows' | 'enqueues' | 'lanes'>,
    options: ResolvedOptions,
  ) {
    this.drafted = new Drafted(options, storage.lanes);
  }

  /** Their jobs, by the names of their steps. @throws QueueError as an enqueue, naming the step; `WORKFLOW_INVALID` for too many. */
  async jobsOf(steps: readonly AddedStep[], workflowId: string): Promise<AddedNow[]> {
    if (steps.length > MAX_ADDED)
      throw invalid(`${steps.length} jobs are added at once, more than ${MAX_ADDED}`);
    const made = await this.drafted.added(steps, workflowId);
    return made.map((job, n) => ({ step: steps[n]!.name, job }));
  }

  /** What a run adds, as text for the statement that completes it. @throws QueueError also `WORKFLOW_UNKNOWN` for one that is no step */
  async textOf(run: AddingRun, steps: readonly AddedStep[]): Promise<string> {
    if (!run.isStep) throw noStep(run);
    const jobs = await this.jobsOf(steps, run.workflowId!);
    return JSON.stringify(
      jobs.map(({ step, job }) => ({
        step,
        job: { ...job, payloadBytes: job.payloadBytes?.toString('base64') },
      })),
    );
  }

  /**
   * Stores jobs of a running workflow, with the locks of their groups first, as everybody takes them.
   * @throws QueueError `WORKFLOW_ENDED` where the workflow, or the step `into`, does not run; `WORKFLOW_INVALID` above the most it may have.
   */
  async store(run: Run, workflow: string, jobs: AddedNow[], into?: string): Promise<void> {
    const { workflows, enqueues } = this.storage;
    if (jobs.length > 0)
      await enqueues.insertIn(
        run,
        jobs.map(({ job }) => job),
      );
    const flow = await workflows.lock(run, workflow);
    if (flow?.state !== 'running' || flow.stop !== null || flow.asked)
      throw ended(`Workflow ${workflow}`);
    for (const [name, own] of byStep(jobs, into)) {
      const grown = await workflows.adding.grow(run, workflow, name, own.length);
      if (!grown) throw ended(`The step ${quote(name)} of workflow ${workflow}`);
      if (grown.jobs > MAX_JOBS) throw invalid(`it has more than ${MAX_JOBS} jobs in all`);
      const { stage, item } = grown;
      await workflows.storeDrafts(
        run,
        workflow,
        own.map(({ job, step }, n) => ({ job, stage, item: item + n, added: step === name ? undefined : step })), // prettier-ignore
      );
    }
  }

  /** What a step has added is stored, and then its end is reported. False: its workflow knew of the end. */
  async take(run: Run, adding: Adding): Promise<boolean> {
    const { adding: repository } = this.storage.workflows;
    const adder = await repository.adderOf(run, adding.job);
    if (!adder) return false;
    const jobs = adding.more.map(({ step, job }) => ({ step, job: revived(job) }));
    await this.store(run, adder.workflow, jobs, adder.step);
    await repository.end(run, adding);
    return true;
  }
}

function byStep(jobs: AddedNow[], into?: string): Map<string, AddedNow[]> {
  const all = new Map<string, AddedNow[]>();
  for (const job of jobs) {
    const name = into ?? job.step;
    const own = all.get(name);
    if (own) own.push(job);
    else all.set(name, [job]);
  }
  return all;
}

interface AddingRun {
  id: string;
  queue: string;
  isStep: boolean;
  workflowId?: string | undefined;
}

interface AddedNow {
  step: string;
  job: NewJob;
}

const revived = ({ payloadBytes, at, ...job }: AddedJob['job']): NewJob => ({
  ...job,
  payloadBytes: payloadBytes === undefined ? undefined : Buffer.from(payloadBytes, 'base64'),
  at: at === undefined ? undefined : new Date(at),
});

const invalid = (problem: string): QueueError =>
  new QueueError(
    'WORKFLOW_INVALID',
    `A workflow cannot have these: ${problem}. Start several workflows, or let a step enqueue the rest.`,
  );

const noStep = ({ id, queue }: AddingRun): QueueError =>
  new QueueError(
    'WORKFLOW_UNKNOWN',
    `JobResult.success of job ${id} of queue "${queue}" adds steps (then), and it is no step of a workflow. Enqueue jobs with context.enqueue instead.`,
  );

const ended = (what: string): QueueError =>
  new QueueError(
    'WORKFLOW_ENDED',
    `${what} does not run: it has ended, has not begun, or shall stop. Nothing was added; start another workflow.`,
  );
