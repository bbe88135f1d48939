import { anything, textOf, type Action } from '../action.js';

/** Runs again what failed of a workflow. */
export const retryWorkflow: Action = {
  permission: 'retry',
  takes: { id: anything },
  required: ['id'],
  seen: {
    now: async ({ workflows }, said) => (await workflows.find(textOf(said, 'id')))?.attempt,
    code: 'WORKFLOW_ENDED',
    words: 'It was retried',
  },
  run: async ({ workflows }, said) => ({ attempt: await workflows.retry(textOf(said, 'id')) }),
};
