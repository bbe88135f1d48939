/**
 * Schedules: what `QueueSchedules` takes and returns, and `@QueueSchedule`.
 * @module nestjs-simple-queue/schedules
 */
export { QueueSchedule } from './decorators/queue-schedule.decorator.js';
export type {
  DaylightSavingRule,
  DeclaredSchedule,
  JobSchedule,
  NewSchedule,
  Schedule,
  ScheduleCatchUp,
  ScheduledJobOptions,
  ScheduleOptions,
  ScheduleOverlap,
  ScheduleRule,
  ScheduleTick,
  ScheduleTimes,
  TickOutcome,
} from './job/schedule.js';
export type { Backfilled, Triggered } from './schedules/by-hand.js';
export {
  QueueSchedules,
  type BackfillOptions,
  type ListSchedulesOptions,
} from './schedules/queue-schedules.js';
