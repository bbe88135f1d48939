import type { FoundStep } from '../../job/workflow.js';
import { unknown } from '../../workflows/found.js';
import { wanted, type Hiding, type Look } from '../look.js';

/** One workflow: its steps, and what each waits for. */
export const workflow: Look = async ({ source, asked, hide }) => {
  const id = wanted(asked, 'id');
  const found = await source.workflows.find(id);
  if (!found) throw unknown(id);
  return { ...hide.workflow(found), steps: found.steps.map((step) => seen(step, hide)) };
};

/** An error may quote what its job carries: it is shown where those of jobs are. */
function seen({ error, compensation, ...step }: FoundStep, hide: Hiding): object {
  const told = (of: typeof error, id = ''): object => {
    const shown = of && hide.error(of, { id, queue: '', name: step.name });
    return shown ? { error: shown } : {};
  };
  const undo = compensation && { ...compensation, error: undefined, ...told(compensation.error, compensation.ids[0]) }; // prettier-ignore
  return { ...step, ...told(error, step.ids[0]), ...(undo && { compensation: undo }) };
}
