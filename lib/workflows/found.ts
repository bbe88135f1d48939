import type { FoundStep, FoundWorkflow, WorkflowSummary } from '../job/workflow.js';
import type { FoundRow, StageRow, WorkflowRow } from '../storage/workflows/rows.js';

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
  steps: row.stages.map(stepOf),
});

function stepOf(stage: StageRow): FoundStep {
  const { name, many, jobs, failed, ids, error, after } = stage;
  const isWaiting = !stage.begun && !stage.skipped;
  return {
    name,
    state: stateOf(stage),
    many,
    jobs,
    done: isWaiting ? 0 : jobs - stage.open,
    failed,
    ids,
    after: after.map(({ name: before, when }) => ({ name: before, when })),
    waitsFor: isWaiting ? after.filter(({ open }) => open).map((before) => before.name) : [],
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
