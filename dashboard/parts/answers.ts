import type {
  BlockedGroup,
  QueueStats,
  QueueSummary,
  Totals,
  WorkerSummary,
} from '../../lib/admin/overview.js';
import type { OperatorAction } from '../../lib/admin/audit.js';
import type { ErrorGroup } from '../../lib/admin/errors.js';
import type { Series } from '../../lib/admin/series.js';
import type { LimitSummary } from '../../lib/admin/limits.js';
import type { ListedJob } from '../../lib/admin/listed-job.js';
import type { Reason } from '../../lib/admin/reasons.js';
import type { DashboardPermission } from '../../lib/dashboard/access/access.js';
import type { QueueRate } from '../../lib/dashboard/looks/rates.js';
import type { FoundJob } from '../../lib/job/job.js';
import type { Schedule, ScheduleTick } from '../../lib/job/schedule.js';
import type {
  FoundStep,
  FoundWorkflow,
  WorkflowState,
  WorkflowSummary,
} from '../../lib/job/workflow.js';
import type { Trouble } from '../../lib/job/trouble.js';

/** As JSON brings it. */
export type Told<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Told<Item>[]
    : T extends object
      ? { [Key in keyof T]: Told<T[Key]> }
      : T;

export type Permission = DashboardPermission;
export interface Me {
  may: Permission[];
  instances: string[];
  traceUrl?: string;
}

export type Queue = Told<QueueSummary>;
export type Job = Told<ListedJob>;
export type Worker = Told<WorkerSummary>;
export type Limit = Told<LimitSummary> & { digest: string };
export type ScheduleRow = Told<Omit<Schedule, 'payload'>> & { digest: string };
export type TroubleTold = Told<Trouble>;

export interface OverviewAnswer {
  /** Missing where they could not be looked at in time. */
  troubles?: TroubleTold[];
  totals: Told<Totals>;
  queues: Queue[];
}

export interface QueuesAnswer {
  queues: Queue[];
  next?: string;
}

export interface RatesAnswer {
  rates: QueueRate[];
}

/** `error` is missing where it is hidden. */
export type ErrorRow = Omit<Told<ErrorGroup>, 'example'> & {
  example: Omit<Told<ErrorGroup>['example'], 'error'> &
    Partial<Pick<Told<ErrorGroup>['example'], 'error'>>;
};

export interface ErrorsAnswer {
  errors: ErrorRow[];
}

export type SeriesAnswer = Told<Series>;

export type FlowRow = Told<WorkflowSummary>;
export type Step = Told<FoundStep>;

export interface FlowsAnswer {
  workflows: FlowRow[];
  next?: string;
}

export type FlowAnswer = Told<FoundWorkflow>;

/** What holds of a queue or a job, and who says so. */
export interface Setting {
  name: string;
  value: unknown;
  from: string;
}

export interface QueueAnswer {
  /** What would run next, and why it does not; missing where nothing waits. */
  why?: { id: string; reasons: Told<Reason>[] };
  /** Who paused it, as far as that is kept. */
  pausedBy?: string;
  stats: Told<QueueStats>;
  workers: Worker[];
  limit?: Limit;
  limitPerKey?: Limit;
  settings: Setting[];
  /** `group` is missing where it is hidden. */
  blockedGroups: (Omit<Told<BlockedGroup>, 'group'> & { group?: string })[];
}

export interface JobsAnswer {
  jobs: Job[];
  next?: string;
  looked: number;
}

export interface Carried {
  text: string;
  digest: string;
  cutFrom?: number;
}

type Heavy = 'payload' | 'output' | 'checkpoint' | 'payloadBytes';

export interface JobAnswer {
  job: Told<Omit<FoundJob, Heavy>> & {
    payload: Carried;
    output?: Carried;
    checkpoint?: Carried;
    bytes?: { size: number; hex: string };
    redacted?: boolean;
  };
  reasons: Told<Reason>[];
  /** It has ended as a step of this workflow, which alone runs it again. */
  step?: { workflow: string; attempt: number; state: WorkflowState };
  settings: Setting[];
  /** It has no key of its queue's limit per key. */
  isKeyless?: boolean;
}

export type Act = Told<Omit<OperatorAction, 'selector'>> & Pick<OperatorAction, 'selector'>;

export interface AuditAnswer {
  acts: Act[];
  next?: string;
}

export type TickRow = Told<ScheduleTick>;

export interface ScheduleAnswer {
  schedule: ScheduleRow;
  /** Why it does not run, or did not at its last time. */
  reasons: { code: string; text: string }[];
  next: string[];
  ticks: TickRow[];
}
