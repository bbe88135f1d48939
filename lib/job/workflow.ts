import type { InTransaction, JobOptions } from './enqueue-options.js';
import type { GivenOf, JobTarget } from './job-template.js';
import type { Duration } from './values/duration.js';

/** How a workflow has ended. `compensated`: it failed or was cancelled, and what had completed was compensated. */
export type WorkflowEnd = 'succeeded' | 'failed' | 'compensated' | 'cancelled';
/** `compensating`: what completed is being compensated. `stuck`: a compensation has failed, and a person has to act. */
export type WorkflowState = 'running' | 'compensating' | 'stuck' | WorkflowEnd;

/** What a step waits for: that the steps before it have all succeeded, that each has failed in part at least, or only that they have ended. */
export type StepCondition = 'succeeded' | 'failed' | 'ended';

/** `waiting`: for other steps. `skipped`: what it waited for can no longer happen. */
export type StepState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';

/** What a job of a step may be told; its id, and whether it is new, are the workflow's. */
export type StepJobOptions = Omit<
  JobOptions,
  | 'id'
  | 'uniqueKey'
  | 'onConflict'
  | 'periodMs'
  | 'workflowId'
  | 'staged'
  | 'commitWithinMs'
  | 'dependsOn'
>;

/** `Before`: the names of the steps that were declared before. */
export interface StepOptions<Before extends string = string> extends StepJobOptions {
  /** The step waits for these; without it, it begins at once. */
  after?: Before | readonly Before[];
  /** Of what comes before, default `succeeded`. */
  when?: StepCondition;
}

/**
 * What undoes a step if its workflow fails or is cancelled: a job, its payload, and options. Of `each` a job for every one that has completed: the
 * payload is the same for all, or a function makes it of theirs.
 */
export type Compensation<Undo extends JobTarget, Made = never> = readonly [
  job: Undo,
  payload: GivenOf<Undo> | Made,
  options?: StepJobOptions,
];

export interface CancelWorkflowOptions extends InTransaction {
  /** false: what has completed is left as it is. */
  compensate?: boolean;
}

export interface StartOptions extends InTransaction {
  /** At most one live workflow of this name has the key; a second start finds the first. */
  uniqueKey?: string;
  /** `finish` (default): what can still run, runs. `cancel`: everything else is cancelled. */
  onFailure?: 'finish' | 'cancel';
  /** When it is too late: what has not ended by then is cancelled, and the workflow has failed. Another attempt has as much time again. */
  deadlineMs?: Duration;
  /** How long it is kept after its end, default 7 days. */
  keepMs?: Duration;
}

export interface StartedWorkflow {
  id: string;
  /** false: a live one has the `uniqueKey`; `id` is that one's. */
  created: boolean;
}

/** A step as it stands. */
export interface FoundStep {
  name: string;
  state: StepState;
  /** It was made with `each`: any number of jobs. */
  many: boolean;
  jobs: number;
  /** Jobs that have ended, in whatever way. */
  done: number;
  /** Those that did not succeed. */
  failed: number;
  /** Of `failed`, those that were cancelled. */
  cancelled: number;
  /** Ids of its jobs, the first 100. */
  ids: string[];
  after: { name: string; when: StepCondition }[];
  /** Names of steps that have not ended. */
  waitsFor: string[];
  /** Of its first job that failed. */
  error?: { name: string; message: string; code?: string };
  /** Of a step that has `compensate`. */
  compensation?: FoundCompensation;
}

/** What has become of the compensation of a step. */
export interface FoundCompensation {
  /** `unused`: nothing has completed, or nothing is to be undone. `waiting`: for what completed later. */
  state: 'unused' | 'waiting' | 'running' | 'succeeded' | 'failed';
  /** Jobs of the step that are to be compensated, or were. */
  jobs: number;
  done: number;
  /** Ids of its jobs, the first 100, in the order of those that they compensate. */
  ids: string[];
  /** Why it failed. */
  error?: { name: string; message: string; code?: string };
}

export interface WorkflowSummary {
  id: string;
  name: string;
  state: WorkflowState;
  attempt: number;
  /** It was asked to stop: by a person, its `onFailure` or its deadline; what runs may still end. `abandoned`: cancelled without compensation. */
  stop?: 'cancelled' | 'failed' | 'expired' | 'abandoned';
  uniqueKey?: string;
  /** Of all its steps. */
  jobs: number;
  createdAt: Date;
  deadlineAt?: Date;
  endedAt?: Date;
}

export interface FoundWorkflow extends WorkflowSummary {
  steps: FoundStep[];
}

export interface ListWorkflowsOptions {
  state?: WorkflowState | readonly WorkflowState[];
  name?: string;
  /** Default 100, at most 1,000. */
  limit?: number;
  /** The id of the last one of the page before. */
  after?: string;
}
