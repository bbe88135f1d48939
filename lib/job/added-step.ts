import type { StepJobOptions } from './workflow.js';
import type { GivenOf, JobTarget } from './job-template.js';
import { isTemplate } from './job-template.js';
import { checkQueueName } from './names.js';

/** A job that a step adds to its workflow; made by `step` or `item`. */
export class AddedStep {
  /** @internal */
  constructor(
    readonly name: string,
    readonly target: JobTarget,
    readonly payload: unknown,
    readonly options: StepJobOptions,
  ) {}
}

/** A job for `JobResult.success(output, { then })` and `workflows.add`. @throws QueueError `INVALID_NAME` */
export function step<Target extends JobTarget>(
  name: string,
  target: Target,
  payload: GivenOf<Target>,
  options: StepJobOptions = {},
): AddedStep {
  checkQueueName(name);
  if (!isTemplate(target)) checkQueueName(target);
  return new AddedStep(name, target, payload, options);
}
