import 'reflect-metadata';
import { QUEUE_SCHEDULE, type DeclaredSchedule, type ScheduleOptions } from '../job/schedule.js';
import { markMethod } from './method-mark.js';

/** Belongs on a `@QueueHandler` class, or on a `@HandleJob` method. */
type ScheduleMark = (
  target: object,
  method?: string | symbol,
  descriptor?: PropertyDescriptor,
) => void;

/**
 * Runs the handler by a timetable: a cron pattern of five or six fields (`L`, `W`, `#`, names, `@daily`), or `everyMs`. On a class it is for the
 * jobs of `process`, on a `@HandleJob` method for the jobs of that name. Written when a worker starts; several may stand on one handler, each
 * with a name of its own. A wrong one stops the start.
 */
export function QueueSchedule(
  cron: string,
  options?: ScheduleOptions & { name?: string },
): ScheduleMark;
export function QueueSchedule(schedule: DeclaredSchedule): ScheduleMark;
export function QueueSchedule(
  given: string | DeclaredSchedule,
  options: ScheduleOptions & { name?: string } = {},
): ScheduleMark {
  const schedule = typeof given === 'string' ? { ...options, cron: given } : given;
  return (target, method, descriptor) => {
    const mark = { schedule };
    if (method !== undefined)
      return markMethod(QUEUE_SCHEDULE, '@QueueSchedule', mark)(
        target,
        method,
        descriptor as never,
      );
    const marks = (Reflect.getOwnMetadata(QUEUE_SCHEDULE, target) ?? []) as object[];
    Reflect.defineMetadata(QUEUE_SCHEDULE, [mark, ...marks], target);
  };
}
