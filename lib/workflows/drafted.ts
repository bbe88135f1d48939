import type { AddedStep } from '../job/added-step.js';
import { captured } from '../enqueue/headers.js';
import { checkObject } from '../enqueue/option-checks.js';
import { checkedJob, checkNames, type CheckedJob, type JobLimits } from '../enqueue/new-job.js';
import { templatedItem } from '../enqueue/templated-item.js';
import type { EnqueueItem } from '../job/enqueue-options.js';
import { isTemplate } from '../job/job-template.js';
import { quote } from '../job/names.js';
import type { NewJob } from '../job/new-job.js';
import { QueueError } from '../job/queue.errors.js';
import { soon, type Soon } from '../job/values/schema-fit.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { Uuid7 } from '../runtime/uuid7.js';
import { sizeOf } from '../storage/enqueue/chunks.js';
import { isHeld } from '../storage/enqueue/held-jobs.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import type { Run } from '../storage/connection/connections.js';
import type { Lanes } from '../storage/lanes/lanes.js';
import type { NewStage } from '../storage/workflows/workflow.repository.js';
import type { DeclaredStep } from './builder.js';
import type { DeclaredCompensation } from './compensation.js';

type StepJob = Pick<AddedStep, 'target' | 'payload' | 'options'>;
type StepTerms = Pick<JobLimits, 'step' | 'carried'> & { workflowId: string; room: Room };
/** For the payloads of one call, in characters. */
interface Room {
  most: number;
  taken: number;
}

/** Of all payloads of a workflow that starts: one statement may have to store all of them when it moves on. */
const MAX_CHARACTERS = 64 * 1_024 * 1_024;
/** Of all that one step adds, or one call. */
const MAX_ADDED = 16 * 1_024 * 1_024;

/** Makes the jobs of a workflow of what was declared, as an enqueue makes them; nothing is stored. */
export class Drafted {
  private readonly ids = new Uuid7();
  private readonly policies: QueuePolicies;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly lanes: Lanes,
  ) {
    this.policies = new QueuePolicies(options);
  }

  newId(): string {
    return this.ids.next();
  }

  /** What was given is taken at once, unless a schema asks somebody. @throws QueueError as an enqueue, naming the step. */
  async stages(
    steps: readonly DeclaredStep[],
    workflowId: string,
    joined?: Joined,
  ): Promise<NewStage[]> {
    const terms = this.terms(workflowId, MAX_CHARACTERS);
    const numbers = new Map(steps.map(({ name }, n) => [name, n]));
    const checked = steps.map((step) => ofStep(step.name, this.checked(step, terms)));
    const undone = steps.map(({ name, compensation }) =>
      compensation ? ofStep(name, this.checked({ name, ...compensation }, terms)) : undefined,
    );
    const stages: NewStage[] = [];
    for (const [n, step] of steps.entries()) {
      const jobs = await this.withLanes(await checked[n]!, joined);
      const after = step.after.map((name) => ({ stage: numbers.get(name)!, when: step.when }));
      const plain = jobs.length > 0 && !jobs.some(isHeld);
      const undo = undone[n] && (await this.withLanes(await undone[n], joined));
      const { name, many, again = false } = step;
      const awaits = step.awaits === undefined ? undefined : { id: this.newId(), job: step.awaits };
      stages.push({ name, many, again, awaits, jobs, after, plain, ...(undo && { undo }) });
    }
    return stages;
  }

  private async checked(
    {
      name,
      target,
      payloads,
      options,
      items,
    }: Pick<DeclaredStep, 'name' | 'items' | keyof DeclaredCompensation>,
    terms: StepTerms,
  ): Promise<CheckedJob[]> {
    // Where there is no job, nobody else looks at them.
    checkNames(options);
    const one = (given: StepJob) => this.job(given, { ...terms, step: name });
    return all(items?.map(one) ?? payloads.map((payload) => one({ target, payload, options })));
  }

  private terms(workflowId: string, most: number): StepTerms {
    return { workflowId, carried: captured(this.options.carriers), room: { most, taken: 0 } };
  }

  private job({ target, payload, options }: StepJob, terms: StepTerms): Soon<CheckedJob> {
    checkObject('options', options);
    const queue = isTemplate(target) ? target.queue : target;
    const { ordered, fair, by } = this.policies.of(queue);
    const own = { maxPayloadBytes: this.options.maxPayloadBytes, newId: () => this.ids.next() };
    const { workflowId, carried, step, room } = terms;
    const limits = { ...own, ordered, fair, by, carried, step } as JobLimits;
    const item = { payload, ...options, workflowId };
    const made = isTemplate(target) ? templatedItem(target, item) : item;
    return soon(made, (ready) => within(room, checkedStep(queue, ready, limits)));
  }

  /** Jobs that are added to a workflow which runs, in their order. */
  async added(steps: readonly AddedStep[], workflowId: string): Promise<NewJob[]> {
    const terms = this.terms(workflowId, MAX_ADDED);
    const checked = steps.map((step) =>
      ofStep(step.name, (async () => this.job(step, { ...terms, step: step.name }))()),
    );
    return this.withLanes(await Promise.all(checked));
  }

  private async withLanes(jobs: CheckedJob[], joined?: Joined): Promise<NewJob[]> {
    const { lanes } = this;
    for (const job of jobs) job.lane = lanes.find(job.queue, job.name, job.labels);
    const given = (run?: Run) => lanes.give(jobs, run);
    if (jobs.some(({ lane }) => !lane)) await (joined ? joined.alone(given) : given());
    return jobs as NewJob[];
  }
}

/** In order; a schema may have asked somebody. */
async function all(jobs: Soon<CheckedJob>[]): Promise<CheckedJob[]> {
  const made: CheckedJob[] = [];
  for (const job of jobs) made.push(await job);
  return made;
}

/** Also of what a template says by default. */
function checkedStep(queue: string, item: EnqueueItem, limits: JobLimits): CheckedJob {
  const { payload, ...options } = item;
  const job = checkedJob(queue, payload, options, limits);
  if (job.uniqueKey === undefined && !job.givenId && job.commitWithinMs === undefined) return job;
  const message = job.dependsOn
    ? 'dependsOn cannot be given to a step: name other steps in after, or add the job as a step with job(name, id).'
    : 'a step can be neither unique nor staged: its job belongs to the workflow, which has a uniqueKey of its own.';
  throw new QueueError('INVALID_OPTION', message);
}

function within(room: Room, job: CheckedJob): CheckedJob {
  room.taken += sizeOf(job);
  if (room.taken <= room.most) return job;
  const message = `the payloads have more than ${room.most} characters together. Store what is large elsewhere, or start several workflows.`;
  throw new QueueError('WORKFLOW_INVALID', message);
}

function ofStep<Value>(name: string, made: Promise<Value>): Promise<Value> {
  const named = made.catch((error: unknown) => {
    if (!(error instanceof QueueError)) throw error;
    throw new QueueError(error.code, `Step ${quote(name)}: ${error.message}`, {
      cause: error.cause,
    });
  });
  // Awaited later; of several that fail, the first is told.
  named.catch(() => undefined);
  return named;
}
