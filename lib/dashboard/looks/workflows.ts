import type { WorkflowState } from '../../job/workflow.js';
import type { Look } from '../look.js';

const MOST = 50;

/** Workflows, the newest first, page by page. */
export const workflows: Look = async ({ source, asked, hide }) => {
  const [state, name, after] = ['state', 'name', 'after'].map((part) => asked.get(part));
  const list = await source.workflows.list({
    limit: MOST,
    ...(state && { state: state.split(',') as WorkflowState[] }),
    ...(name && { name }),
    ...(after && { after }),
  });
  return {
    workflows: list.map((flow) => hide.workflow(flow)),
    next: list.length === MOST ? list.at(-1)!.id : undefined,
  };
};
