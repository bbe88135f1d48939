import { anything, textOf, type Action } from '../action.js';

/** Begins nothing more of a workflow, and asks what runs to stop. */
export const cancelWorkflow: Action = {
  permission: 'cancel',
  takes: { id: anything },
  required: ['id'],
  run: async ({ workflows }, said) => ({ cancelled: await workflows.cancel(textOf(said, 'id')) }),
};
