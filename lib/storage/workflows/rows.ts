import type { FoundStep, StepCondition, WorkflowState, WorkflowSummary, WorkflowEnd } from '../../job/workflow.js'; // prettier-ignore

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
  undo: UndoRow | null;
}

/** What compensates a stage: `due` of its jobs are written down as to be compensated, one of which may have `begun`. */
export interface UndoRow {
  jobs: number;
  open: number;
  failed: number;
  due: number;
  begun: boolean;
  ids: string[];
  error: FoundStep['error'] | null;
}

export type FoundRow = WorkflowRow & { stages: StageRow[] };

/** What moving workflows on has led to. */
export interface Moved {
  /** Lanes in which jobs are ready. */
  lanes: number[];
  /** Jobs whose time lies ahead. */
  later: number;
  /** What the duty has to look at. */
  arrivals: number;
  ended: { id: string; name: string; state: WorkflowEnd; attempt: number }[];
}
