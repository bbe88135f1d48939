import type { FoundStep, StepCondition, WorkflowState, WorkflowSummary } from '../../job/workflow.js'; // prettier-ignore

export interface WorkflowRow {
  id: string;
  name: string;
  state: WorkflowState;
  attempt: number;
  stop: WorkflowSummary['stop'] | null;
  uniqueKey: string | null;
  jobs: number;
  createdAt: Date;
  deadlineAt: Date | null;
  endedAt: Date | null;
}

export interface StageRow {
  name: string;
  many: boolean;
  jobs: number;
  open: number;
  failed: number;
  cancelled: number;
  begun: boolean;
  skipped: boolean;
  ids: string[];
  error: FoundStep['error'] | null;
  after: { name: string; when: StepCondition; open: boolean }[];
}

export type FoundRow = WorkflowRow & { stages: StageRow[] };
