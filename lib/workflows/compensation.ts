import { checkObject } from '../enqueue/option-checks.js';
import { isTemplate, type JobTarget } from '../job/job-template.js';
import { checkQueueName, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { StepJobOptions } from '../job/workflow.js';

/** What compensates a step, as it was declared: a payload for each of its jobs. */
export interface DeclaredCompensation {
  target: JobTarget;
  payloads: unknown[];
  options: StepJobOptions;
}

interface Step {
  workflow: string;
  name: string;
  many: boolean;
  payloads: readonly unknown[];
  refused: readonly string[];
}

/** A compensation is one job, which nothing waits for, and is not compensated itself. */
const ITS_OWN = ['compensate', 'after', 'when'];

/** @throws QueueError `COMPENSATION_INVALID` */
export function declaredCompensation(given: unknown, step: Step): DeclaredCompensation {
  const { payloads, many } = step;
  if (!Array.isArray(given) || given.length < 2 || given.length > 3)
    throw invalid(step, 'must be [job, payload], or [job, payload, options]');
  const [target, payload, options = {}] = given as [JobTarget, unknown, StepJobOptions?];
  if (!isTemplate(target)) checkQueueName(target);
  checkObject('options of compensate', options);
  const refused = [...ITS_OWN, ...step.refused].find(
    (option) => options[option as keyof StepJobOptions] !== undefined,
  );
  if (refused)
    throw invalid(step, `cannot have ${refused}: a compensation is one job of its workflow, runs only when that goes back, and is not compensated itself`); // prettier-ignore
  return {
    target,
    options,
    payloads: payloads.map((one, n) => (many && isMaker(payload) ? payload(one, n) : payload)),
  };
}

const isMaker = (payload: unknown): payload is (given: unknown, n: number) => unknown =>
  typeof payload === 'function';

const invalid = ({ workflow, name }: Step, problem: string): QueueError =>
  new QueueError(
    'COMPENSATION_INVALID',
    `Workflow ${quote(workflow)}: compensate of the step ${quote(name)} ${problem}.`,
  );
