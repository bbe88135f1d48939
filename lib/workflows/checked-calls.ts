import { AddedStep } from '../job/added-step.js';
import { checkManager } from '../job/joining.js';
import { isId, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { DAY_MS, msOf } from '../job/values/duration.js';
import type {
  CancelWorkflowOptions,
  ListWorkflowsOptions,
  StartOptions,
  WorkflowState,
} from '../job/workflow.js';
import { duration } from '../options/handler-rules.js';
import { closestWord } from '../runtime/closest-word.js';
import { must, oneOf, passes, shape, whole, yesOrNo, type Rule } from '../runtime/rules.js';
import { checkObject, checkText } from '../enqueue/option-checks.js';
import type { WorkflowsAsked } from '../storage/workflows/workflow-reading.repository.js';
import { WorkflowDraft, type AnyWorkflow } from './builder.js';

const KEEP_MS = 7 * DAY_MS;
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const STATES: readonly WorkflowState[] = [
  'running',
  'compensating',
  'stuck',
  'succeeded',
  'failed',
  'compensated',
  'cancelled',
];

const anything: Rule = () => [];
const text = (name: string): Rule => passes((value: string) => checkText(name, value));

const startOptions = shape({
  manager: anything,
  uniqueKey: text('uniqueKey'),
  onFailure: oneOf('finish', 'cancel'),
  deadlineMs: duration(1, 366 * DAY_MS),
  keepMs: duration(60_000, 366 * DAY_MS),
} satisfies Record<keyof StartOptions, Rule>);

const aState = must(
  (state) => STATES.includes(state as WorkflowState),
  `one or several of ${STATES.join(', ')}`,
);
const listOptions = shape({
  state: (value, path) => [value].flat().flatMap((state) => aState(state, path)),
  name: text('name'),
  limit: whole(1, 1_000),
  after: must(isId, 'the id of a workflow'),
} satisfies Record<keyof ListWorkflowsOptions, Rule>);

/** @throws QueueError `INVALID_OPTION`, `WORKFLOW_INVALID` */
export function checkedStart(draft: AnyWorkflow, options: StartOptions) {
  checkObject('options', options, 'workflows.start');
  if (!(draft instanceof WorkflowDraft))
    throw new QueueError(
      'WORKFLOW_INVALID',
      'start takes what workflow(name).step(...) makes. Import workflow from nestjs-simple-queue/workflows.',
    );
  if (draft.steps.length === 0)
    throw new QueueError(
      'WORKFLOW_INVALID',
      `Workflow "${draft.name}" has no steps. Declare at least one.`,
    );
  const given = {
    ...options,
    deadlineMs: msOf(options.deadlineMs),
    keepMs: msOf(options.keepMs),
  };
  refuse('start', startOptions(given, ''));
  if (given.manager !== undefined) checkManager(given.manager);
  const { manager, uniqueKey, onFailure, deadlineMs, keepMs = KEEP_MS } = given;
  return { manager, uniqueKey, stopsAtFailure: onFailure === 'cancel', deadlineMs, keepMs };
}

const cancelOptions = shape({
  manager: anything,
  compensate: yesOrNo,
} satisfies Record<keyof CancelWorkflowOptions, Rule>);

/** Why it stops. @throws QueueError `INVALID_OPTION` */
export function checkedCancel(options: CancelWorkflowOptions): 'cancelled' | 'abandoned' {
  refuse('cancel', cancelOptions(options, ''));
  if (options.manager !== undefined) checkManager(options.manager);
  return options.compensate === false ? 'abandoned' : 'cancelled';
}

/** @throws QueueError `WORKFLOW_INVALID` */
export function checkSteps(steps: readonly AddedStep[]): void {
  if (!Array.isArray(steps) || steps.some((each) => !(each instanceof AddedStep)))
    throw new QueueError(
      'WORKFLOW_INVALID',
      'Steps that are added are a list of what step(name, target, payload) or item(target, payload) makes.',
    );
}

/** @throws QueueError `WORKFLOW_INVALID` for a step that the workflow does not have. */
export function checkAdded(
  id: string,
  known: readonly string[],
  steps: readonly AddedStep[],
): void {
  const unknown = steps.find(({ name }) => !known.includes(name));
  if (!unknown) return;
  const closest = closestWord(unknown.name, known);
  throw new QueueError(
    'WORKFLOW_INVALID',
    `Workflow ${id} has no step ${quote(unknown.name)} to add to.${closest ? ` Did you mean "${closest}"?` : ''}`,
  );
}

export function checkedList(options: ListWorkflowsOptions): WorkflowsAsked {
  refuse('list', listOptions(options, ''));
  const { state, name, limit = 100, after = LAST_ID } = options;
  return { states: state === undefined ? STATES : [state].flat(), name, limit, after };
}

function refuse(call: string, problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `workflows.${call}: ${problems.join('; ')}.`);
}
