import type { INestApplicationContext } from '@nestjs/common';
import { checkQueueName, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { FoundStep, FoundWorkflow, StepState } from '../job/workflow.js';
import { closestWord } from '../runtime/closest-word.js';
import { QueueWorkflows } from '../workflows/queue-workflows.js';
import { partsOf, type OfInstance } from './application-parts.js';
import { includes, type PartOf } from './expected-job.js';

const WORKFLOW_FACTS = ['id', 'state', 'attempt', 'stop', 'uniqueKey', 'jobs'] as const satisfies readonly (keyof FoundWorkflow)[]; // prettier-ignore
const KNOWN: readonly string[] = [...WORKFLOW_FACTS, 'steps'];
/** The newest ones of a name are looked through. */
const MOST = 100;
const MOST_SHOWN = 5;

type ExpectedWorkflowFacts = {
  [Fact in (typeof WORKFLOW_FACTS)[number]]?: PartOf<FoundWorkflow[Fact]>;
};

/** What a test says of a workflow; only what is named is compared. A value may be an asymmetric matcher, such as `expect.any(String)`. */
export interface ExpectedWorkflow extends ExpectedWorkflowFacts {
  /** By their names: a state, or members of what `find` returns of the step, `compensation` among them. */
  steps?: Record<string, StepState | PartOf<Omit<FoundStep, 'name'>>>;
}

/**
 * The newest workflow of this name that is as expected; the newest 100 are looked through. What an open transaction has started is not there yet.
 * @throws Error that shows the workflows of this name with their steps; QueueError `INVALID_NAME`, `INVALID_OPTION`, `MODULE_INVALID`.
 */
export async function expectWorkflow(
  app: INestApplicationContext,
  name: string,
  expected: ExpectedWorkflow = {},
  options: OfInstance = {},
): Promise<FoundWorkflow> {
  checkQueueName(name);
  checkKnown(expected);
  const { storage, options: resolved, events } = partsOf(app, options);
  const workflows = new QueueWorkflows(storage, resolved, events);
  const others: FoundWorkflow[] = [];
  for (const { id } of await workflows.list({ name, limit: MOST })) {
    const found = await workflows.find(id);
    if (found && isAs(found, expected)) return found;
    if (found && others.length < MOST_SHOWN) others.push(found);
  }
  const wanted = `Expected a workflow ${quote(name)} with ${JSON.stringify(expected)}.`;
  throw new Error(others.length > 0 ? `${wanted} There are:\n${others.map(shown).join('\n')}` : `${wanted} ${await names(workflows)}`); // prettier-ignore
}

function checkKnown(expected: ExpectedWorkflow): void {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected))
    throw new QueueError(
      'INVALID_OPTION',
      "What is expected of a workflow must be an object, such as { state: 'succeeded' }.",
    );
  const unknown = Object.keys(expected).find((key) => !KNOWN.includes(key));
  if (unknown === undefined) return;
  const near = closestWord(unknown, KNOWN);
  throw new QueueError(
    'INVALID_OPTION',
    `What is expected of a workflow has no ${quote(unknown)}. ${near ? `Did you mean "${near}"?` : `Known: ${KNOWN.join(', ')}.`}`,
  );
}

function isAs(found: FoundWorkflow, { steps = {}, ...facts }: ExpectedWorkflow): boolean {
  const hasStep = ([name, wanted]: [string, unknown]): boolean => {
    const step = found.steps.find((each) => each.name === name);
    return step !== undefined && includes(step, typeof wanted === 'string' ? { state: wanted } : wanted); // prettier-ignore
  };
  return includes(found, facts) && Object.entries(steps).every(hasStep);
}

/** Never a payload: outputs and payloads are looked at by their jobs. */
function shown({ id, state, attempt, steps }: FoundWorkflow): string {
  const named = steps.map(
    ({ name, state: step, compensation }) =>
      `${name} ${step}${compensation && compensation.state !== 'unused' ? ` (compensation ${compensation.state})` : ''}`,
  );
  return `- ${id} ${state}, attempt ${attempt}: ${named.join(', ')}`;
}

async function names(workflows: QueueWorkflows): Promise<string> {
  const all = new Set((await workflows.list({ limit: MOST })).map(({ name }) => quote(name)));
  return `There are workflows of these names: ${[...all].join(', ') || 'none'}.`;
}
