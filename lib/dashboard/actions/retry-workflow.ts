import { anything, textOf, type Action } from '../action.js';
import { asSeen } from '../seen.js';

/** Runs again what failed of a workflow. */
export const retryWorkflow: Action = {
  permission: 'retry',
  takes: { id: anything, seen: anything },
  required: ['id'],
  run: async ({ workflows }, said) => {
    const id = textOf(said, 'id');
    const flow = said.seen === undefined ? undefined : await workflows.find(id);
    if (flow) asSeen(said.seen, flow.attempt, 'WORKFLOW_ENDED', 'It was retried');
    return { attempt: await workflows.retry(id) };
  },
};
