/**
 * What operators' code imports: lists and lifts, checks, health.
 * @module nestjs-simple-queue/admin
 */
export type { ExamineOptions } from './doctor/examine-options.js';
export { QueueDoctor } from './doctor/queue-doctor.js';
export type { Finding, FindingCode, FindingLevel } from './doctor/finding.js';
export type { HealthLimits } from './health/health-limits.js';
export {
  QueueHealth,
  type HealthAnswer,
  type HealthState,
  type WorkerState,
} from './health/queue-health.js';
export type { Trouble, TroubleCode, TroubleLevel } from './job/trouble.js';
export type {
  CancelOptions,
  JobFilter,
  JobPage,
  PurgeCounts,
  PurgeOptions,
  RedriveCounts,
  RedriveOptions,
} from './admin/job-filter.js';
export type { AuditFilter, AuditPage, OperatorAction } from './admin/audit.js';
export type { JobPageAnswer } from './admin/job-list.js';
export type { LimitChange, LimitShare, LimitSummary } from './admin/limits.js';
export type { ListedJob } from './admin/listed-job.js';
export type {
  BlockedGroup,
  JobCount,
  LaneSummary,
  QueueStats,
  QueueSummary,
  QueuesPage,
  Totals,
  WorkerSummary,
} from './admin/overview.js';
export type { ErrorGroup, ErrorOptions } from './admin/errors.js';
export type { FieldCondition } from './admin/field-conditions.js';
export type { Explanation } from './admin/explain.js';
export { QueueAdmin } from './admin/queue-admin.js';
export type { Reason, ReasonCode } from './admin/reasons.js';
export type { Retried } from './admin/revivals.js';
export type {
  BusiestOptions,
  BusyQueue,
  Percentiles,
  RunTotals,
  Series,
  SeriesOptions,
  SeriesPoint,
  SeriesSpan,
} from './admin/series.js';
