import { signalOf } from '../enqueue/signal-of.js';
import { QueueError } from '../job/queue.errors.js';
import { TERMINAL_STATES } from '../job/job-state.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Run } from '../storage/connection/database.js';
import type { Storage } from '../storage/storage.js';
import type { Retried } from '../storage/workflows/compensation.repository.js';
import type { LockedWorkflow } from '../storage/workflows/workflow.repository.js';
import { wakeUpFor } from '../storage/wake-ups/wake-up.js';
import type { Signal } from '../storage/wake-ups/signals.js';

const UNSUCCESSFUL = TERMINAL_STATES.filter((state) => state !== 'succeeded');
const UNIQUE_VIOLATION = '23505';

/**
 * In one transaction: ended jobs live again, those that are not kept any more are made again of their drafts, and the workflow runs. A job that lives
 * again already, or has succeeded meanwhile, is the step's as it is: its work is not done twice.
 */
export async function revived(
  { workflows, enqueues, revivals }: Storage,
  run: Run,
  { id, newId }: { id: string; newId: () => string },
): Promise<{ flow: Retried; signal: Signal }> {
  const flow = await workflows.lock(run, id);
  refuseState(id, flow);
  const isStuck = flow?.state === 'stuck';
  if (!isStuck && (await workflows.undo.count(run, id)) > 0) throw isCompensated(id);
  if (!isStuck) await waitAgain({ workflows, revivals }, run, { id, newId });
  const failed = await (isStuck ? workflows.undo.failed(run, id) : workflows.failedSteps(run, id));
  const back = await revivals.revive(failed, UNSUCCESSFUL, run);
  const { gone, kept } = await missing(workflows, run, { failed, back });
  const fresh = gone.map(newId);
  if (gone.length > 0) await workflows.rename(run, gone, fresh);
  const made = await workflows.draftsById(run, fresh);
  const again = isStuck ? workflows.undo.retry(run, id) : workflows.retry(run, id);
  const next = await again.catch((error: unknown) => {
    throw isTaken(error) ? keyTaken(id) : error;
  });
  if (made.length > 0) await enqueues.insertIn(run, made);
  if (kept.size > 0) await workflows.vanished.endIn(run, id);
  const signal = wakeUpFor(back);
  const lanes = [...new Set([...signal.lanes, ...signalOf(made).lanes])];
  return { flow: next, signal: { ...signal, lanes, later: true } };
}

/** Jobs that did not come back, although they failed: `kept` live again already or have ended since, `gone` are nowhere. */
async function missing(
  workflows: Storage['workflows'],
  run: Run,
  { failed, back }: { failed: string[]; back: { id: string }[] },
): Promise<{ gone: string[]; kept: Set<string> }> {
  const revivedIds = new Set(back.map((row) => row.id));
  const others = failed.filter((step) => !revivedIds.has(step));
  const kept = new Set(others.length > 0 ? await workflows.keptSteps(run, others) : []);
  return { gone: others.filter((step) => !kept.has(step)), kept };
}

/**
 * Callbacks of a batch, whatever became of them, and what failed behind a step that runs again, wait for it; nobody else repeats what they failed as.
 * A step of which a job lives already, or has succeeded meanwhile, waits for nothing.
 */
async function waitAgain(
  { workflows, revivals }: Pick<Storage, 'workflows' | 'revivals'>,
  run: Run,
  { id, newId }: { id: string; newId: () => string },
): Promise<void> {
  const found = await workflows.findAgain(run, id);
  if (found.length === 0) return;
  const late = found.filter(({ again }) => !again);
  const stages = new Set(late.map(({ stage }) => stage));
  await revivals.purgeEnded(found.map((row) => row.id), UNSUCCESSFUL, run); // prettier-ignore
  const kept = new Set(await workflows.keptSteps(run, late.map((row) => row.id))); // prettier-ignore
  for (const row of late) if (kept.has(row.id)) stages.delete(row.stage);
  const ids = found.filter(({ again, stage }) => again || stages.has(stage)).map((row) => row.id);
  await workflows.rename(run, ids, ids.map(newId)); // prettier-ignore
  await workflows.waitAgain(run, id, [...stages]);
}

function refuseState(id: string, flow: LockedWorkflow | undefined): void {
  if (!flow)
    throw new QueueError('WORKFLOW_UNKNOWN', `Workflow ${id} is unknown, or not kept any more.`);
  if (flow.state === 'running' || flow.state === 'compensating')
    throw new QueueError(
      'WORKFLOW_RUNNING',
      `Workflow ${id} is still ${flow.state}: another attempt begins after its end. Wait for it, or cancel it.`,
    );
  if (flow.state === 'succeeded')
    throw new QueueError(
      'WORKFLOW_INVALID',
      `Workflow ${id} has succeeded: there is nothing to repeat. Start a new one.`,
    );
}

const isCompensated = (id: string): QueueError =>
  new QueueError(
    'WORKFLOW_INVALID',
    `Workflow ${id} was compensated: what it had done is undone. Start a new one.`,
  );

const isTaken = (error: unknown): boolean =>
  error instanceof DatabaseError && error.sqlState === UNIQUE_VIOLATION;

const keyTaken = (id: string): QueueError =>
  new QueueError(
    'UNIQUE_KEY_TAKEN',
    `Workflow ${id} cannot run again: another one of its name has its uniqueKey and is running. Wait for that one, or cancel it.`,
  );
