import { QueueError } from '../job/queue.errors.js';
import type {
  FoundCompensation,
  FoundStep,
  FoundWorkflow,
  WorkflowState,
  WorkflowSummary,
} from '../job/workflow.js';
import type { FoundRow, StageRow, UndoRow, WorkflowRow } from '../storage/workflows/rows.js';

export const summaryOf = (row: WorkflowRow): WorkflowSummary => ({
  id: row.id,
  name: row.name,
  state: row.state,
  attempt: row.attempt,
  ...(row.stop ? { stop: row.stop } : {}),
  ...(row.uniqueKey ? { uniqueKey: row.uniqueKey } : {}),
  jobs: row.jobs,
  createdAt: row.createdAt,
  ...(row.deadlineAt ? { deadlineAt: row.deadlineAt } : {}),
  ...(row.endedAt ? { endedAt: row.endedAt } : {}),
});

export const foundWorkflow = (row: FoundRow): FoundWorkflow => ({
  ...summaryOf(row),
  steps: row.stages.map((stage) => stepOf(stage, row.state)),
});

function stepOf(stage: StageRow, flow: WorkflowState): FoundStep {
  const { name, many, jobs, failed, cancelled, ids, error, after } = stage;
  const isWaiting = !stage.begun && !stage.skipped;
  return {
    name,
    state: stateOf(stage),
    many,
    jobs,
    done: isWaiting ? 0 : jobs - stage.open,
    failed,
    cancelled,
    ids,
    after: after.map(({ name: before, when }) => ({ name: before, when })),
    waitsFor: isWaiting ? after.filter(({ open }) => open).map((before) => before.name) : [],
    ...(error ? { error } : {}),
    ...(stage.undo ? { compensation: compensationOf(stage.undo, flow) } : {}),
  };
}

function compensationOf(
  { jobs, open, failed, due, begun, ids, error }: UndoRow,
  flow: WorkflowState,
): FoundCompensation {
  const done = jobs - open - failed;
  const isLive = flow === 'compensating' || flow === 'stuck';
  const state = (): FoundCompensation['state'] => {
    if (failed > 0) return 'failed';
    if (isLive && due > 0) return begun ? 'running' : 'waiting';
    return done > 0 ? 'succeeded' : 'unused';
  };
  return {
    state: state(),
    jobs: isLive || done > 0 ? done + due : 0,
    done,
    ids,
    ...(error ? { error } : {}),
  };
}

function stateOf(stage: StageRow): FoundStep['state'] {
  if (stage.skipped) return 'skipped';
  if (!stage.begun) return 'waiting';
  if (stage.open > 0) return 'running';
  if (stage.failed === 0) return 'succeeded';
  return stage.cancelled === stage.failed ? 'cancelled' : 'failed';
}

export const unknown = (id: string): QueueError =>
  new QueueError(
    'WORKFLOW_UNKNOWN',
    `Workflow ${id} is unknown: it was never started, its transaction has not committed, or it is not kept any more (keepMs).`,
  );
