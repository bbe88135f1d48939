import { checkNoMore, checkObject } from '../enqueue/option-checks.js';
import type { AddedStep } from '../job/added-step.js';
import { isTemplate, type GivenOf, type JobTarget, type OutputOf } from '../job/job-template.js';
import { checkId, checkQueueName, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { Compensation, StepCondition, StepJobOptions, StepOptions } from '../job/workflow.js'; // prettier-ignore
import { declaredCompensation, type DeclaredCompensation } from './compensation.js';

/** Steps, and jobs of one of them. */
const MAX_STEPS = 10_000;
/** Of all its steps together; more of them belong into several workflows. */
export const MAX_JOBS = 20_000;
/** What one step waits for, of all steps together: each is a row that the start inserts. */
const MAX_EDGES = 100_000;
const CONDITIONS: readonly string[] = ['succeeded', 'failed', 'ended'] satisfies StepCondition[];
const REFUSED = ['id', 'uniqueKey', 'onConflict', 'periodMs', 'workflowId', 'staged', 'commitWithinMs', 'dependsOn']; // prettier-ignore

/** A step as it was declared. */
export interface DeclaredStep {
  name: string;
  target: JobTarget;
  many: boolean;
  payloads: unknown[];
  options: StepJobOptions;
  after: readonly string[];
  when: StepCondition;
  compensation?: DeclaredCompensation;
  /** Where its jobs have targets of their own. */
  items?: readonly AddedStep[];
  /** It is no job of its own, but this one of somebody else. */
  awaits?: string;
  /** It runs in each attempt of the workflow. */
  again?: boolean;
}

declare const OUTPUTS: unique symbol;

/** A workflow whose outputs are not asked for. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyWorkflow = WorkflowDraft<any>;

/** What the steps of a workflow answer, by their names: `OutputsOf<typeof signup>`. */
export type OutputsOf<Flow extends AnyWorkflow> = NonNullable<Flow[typeof OUTPUTS]>;

/**
 * A workflow that is being written down; nothing is stored before `workflows.start`. A step may wait for what was declared before it, so no
 * circle can be written. `Outputs`: what its steps answer, by name.
 */
export class WorkflowDraft<in out Outputs extends object> {
  readonly name: string;
  /** @internal */
  readonly steps: DeclaredStep[] = [];
  /** Ties the types to the workflow for the compiler; never set. */
  declare readonly [OUTPUTS]?: Outputs;
  private readonly names = new Set<string>();
  private jobs = 0;
  private edges = 0;

  /** @throws QueueError `INVALID_NAME` */
  constructor(name: string) {
    this.name = checkQueueName(name);
  }

  /** One job. @throws QueueError `WORKFLOW_INVALID` for a name that is taken, or a step that is not known yet. */
  step<Name extends string, Target extends JobTarget, Undo extends JobTarget = JobTarget>(
    name: Name,
    target: Target,
    payload: GivenOf<Target>,
    options: StepOptions<keyof Outputs & string> & { compensate?: Compensation<Undo> } = {},
  ): WorkflowDraft<Outputs & Record<Name, OutputOf<Target>>> {
    this.add(name, { target, many: false, payloads: [payload] }, options);
    return this as never;
  }

  /** A job for each payload, side by side; none at all is a step that succeeds at once. @throws QueueError as `step` */
  each<Name extends string, Target extends JobTarget, Undo extends JobTarget = JobTarget>(
    name: Name,
    target: Target,
    payloads: readonly GivenOf<Target>[],
    options: StepOptions<keyof Outputs & string> & {
      compensate?: Compensation<Undo, (payload: GivenOf<Target>, n: number) => GivenOf<Undo>>;
    } = {},
  ): WorkflowDraft<Outputs & Record<Name, OutputOf<Target>[]>> {
    if (!Array.isArray(payloads))
      throw this.invalid(`each("${name}") needs a list of payloads, not ${quote(payloads)}`);
    this.add(name, { target, many: true, payloads: [...(payloads as unknown[])] }, options);
    return this as never;
  }

  /**
   * A job that somebody has enqueued, or the step of another workflow: what follows waits for its end, and reads its output. It is neither changed nor
   * cancelled with the workflow. One that is unknown is refused at the start; one that is not kept when it is asked for has failed. @throws QueueError as `step`, `INVALID_OPTION` for what is no id
   */
  job<Name extends string>(name: Name, id: string): WorkflowDraft<Outputs & Record<Name, unknown>>;
  job(name: string, id: string, ...more: unknown[]): AnyWorkflow {
    checkNoMore('job', more, 'it is the job of somebody else, and waits for no step');
    const awaits = checkId(id);
    this.add(name, { target: name, many: false, payloads: [], awaits }, {});
    return this;
  }

  private add(
    name: string,
    what: Pick<DeclaredStep, 'target' | 'many' | 'payloads' | 'awaits'>,
    options: StepOptions & { compensate?: unknown },
  ): void {
    checkQueueName(name);
    checkObject('options', options);
    const { after, when = 'succeeded', compensate, ...job } = options;
    if (this.has(name)) throw this.invalid(`the step ${quote(name)} is declared twice`);
    if (!isTemplate(what.target)) checkQueueName(what.target);
    const names = after === undefined ? [] : [...new Set<string>([after].flat())];
    for (const other of names) this.checkAfter(name, other);
    this.checkWhen(name, { when, names });
    this.checkOptions(name, job);
    const compensation = this.compensationOf(name, what, compensate);
    this.checkSize(name, what.awaits ? 1 : what.payloads.length, compensation?.payloads.length);
    this.checkEdges((this.edges += names.length));
    this.names.add(name);
    this.steps.push({ name, ...what, options: job, after: names, when, ...(compensation && { compensation }) }); // prettier-ignore
  }

  private compensationOf(
    name: string,
    { many, payloads }: Pick<DeclaredStep, 'many' | 'payloads'>,
    compensate: unknown,
  ): DeclaredCompensation | undefined {
    if (compensate === undefined) return undefined;
    const step = { workflow: this.name, name, many, payloads, refused: REFUSED };
    return declaredCompensation(compensate, step);
  }

  private has(name: string): boolean {
    return this.names.has(name);
  }

  private checkOptions(name: string, job: StepJobOptions): void {
    const refused = REFUSED.find((option) => job[option as keyof StepJobOptions] !== undefined);
    if (refused)
      throw this.invalid(`the step ${quote(name)} cannot have ${refused}: its jobs belong to the workflow`); // prettier-ignore
  }

  private checkAfter(name: string, other: string): void {
    if (other === name) throw this.invalid(`the step ${quote(name)} waits for itself`);
    if (!this.has(other))
      throw this.invalid(`the step ${quote(name)} waits for ${quote(other)}, which is not declared before it`); // prettier-ignore
  }

  private checkWhen(name: string, { when, names }: { when: string; names: string[] }): void {
    if (!CONDITIONS.includes(when))
      throw this.invalid(`when of the step ${quote(name)} must be 'succeeded', 'failed' or 'ended', not ${quote(when)}`); // prettier-ignore
    if (when !== 'succeeded' && names.length === 0)
      throw this.invalid(`the step ${quote(name)} has when: '${when}' and nothing that it waits for: give after`); // prettier-ignore
  }

  private checkEdges(edges: number): void {
    if (edges > MAX_EDGES)
      throw this.invalid(`its steps wait for more than ${MAX_EDGES} others together (after). Let them wait for an each() without payloads, which waits for all`); // prettier-ignore
  }

  private checkSize(name: string, jobs: number, compensations = 0): void {
    const instead = 'Start several workflows, or let a step enqueue the rest';
    if (this.steps.length >= MAX_STEPS)
      throw this.invalid(`it has more than ${MAX_STEPS} steps. ${instead}`);
    if (jobs > MAX_STEPS)
      throw this.invalid(`the step ${quote(name)} has ${jobs} jobs, more than ${MAX_STEPS}. ${instead}`); // prettier-ignore
    this.jobs += jobs + compensations;
    if (this.jobs > MAX_JOBS)
      throw this.invalid(
        `it has more than ${MAX_JOBS} jobs in all, with those that compensate. ${instead}`,
      );
  }

  protected invalid(problem: string): QueueError {
    return new QueueError('WORKFLOW_INVALID', `Workflow ${quote(this.name)}: ${problem}.`);
  }
}

/** Begins to write a workflow down. @throws QueueError `INVALID_NAME` */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export function workflow(name: string): WorkflowDraft<{}>;
export function workflow(name: string, ...more: unknown[]): WorkflowDraft<object> {
  checkNoMore('workflow', more, 'give them to start');
  return new WorkflowDraft<object>(name);
}
