import { checkNoMore, checkObject } from '../enqueue/option-checks.js';
import { step, type AddedStep } from '../job/added-step.js';
import type { GivenOf, JobTarget } from '../job/job-template.js';
import type { StepCondition, StepJobOptions } from '../job/workflow.js';
import { WorkflowDraft } from './builder.js';
import { checkSteps } from './checked-calls.js';

/** The step of a batch that its jobs are of. */
const ITEMS = 'items';

/** A job of a batch, or one that a job of the batch adds. @throws QueueError `INVALID_NAME` */
export const item = <Target extends JobTarget>(
  target: Target,
  payload: GivenOf<Target>,
  options: StepJobOptions = {},
): AddedStep => step(ITEMS, target, payload, options);

/** Jobs side by side, and what is called when all of them have ended, once per attempt: a workflow of two layers. */
export class BatchDraft extends WorkflowDraft<{ [ITEMS]: unknown[] }> {
  /** All of them have succeeded. */
  onSuccess<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: StepJobOptions = {},
  ): this {
    return this.called('onSuccess', 'succeeded', step('onSuccess', target, payload, options));
  }

  /** All of them have ended, and some have not succeeded. */
  onFailed<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: StepJobOptions = {},
  ): this {
    return this.called('onFailed', 'failed', step('onFailed', target, payload, options));
  }

  /** All of them have ended. */
  onEnd<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: StepJobOptions = {},
  ): this {
    return this.called('onEnd', 'ended', step('onEnd', target, payload, options));
  }

  private called(name: string, when: StepCondition, { target, payload, options }: AddedStep): this {
    checkObject(`options of ${name}`, options);
    const given = ['after', 'when', 'compensate'].find((option) => option in options);
    if (given) throw this.invalid(`${name} cannot have ${given}: it waits for the jobs of the batch, and nothing undoes it`); // prettier-ignore
    this.step(name, target, payload, { ...options, after: ITEMS, when });
    this.steps.at(-1)!.again = true;
    return this;
  }
}

/** Jobs of any targets, each made by `item`; none at all is a batch that has succeeded. @throws QueueError `WORKFLOW_INVALID` */
export function batch(items: readonly AddedStep[], name?: string): BatchDraft;
export function batch(items: readonly AddedStep[], name = 'batch', ...more: unknown[]): BatchDraft {
  checkNoMore('batch', more, 'give them to start');
  checkSteps(items);
  const draft = new BatchDraft(name);
  const payloads = items.map(({ payload }) => payload);
  draft.each(ITEMS, name, payloads);
  draft.steps[0]!.items = items;
  return draft;
}
