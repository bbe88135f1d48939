import type { HandleJobMetadata } from '../job/job-handler.js';
import type { AnyTemplate } from '../job/job-template.js';
import { isPattern } from '../job/values/queue-pattern.js';
import { QUEUE_SCHEDULE, type DeclaredSchedule, type FoundSchedule } from '../job/schedule.js';
import { invalid } from './invalid-handler.js';
import type { ProvidedClass } from './provided-class.js';

interface ScheduleMark {
  schedule: DeclaredSchedule;
}

interface Marked {
  queue: string;
  template?: AnyTemplate | undefined;
  jobs: readonly (HandleJobMetadata & { method: string })[];
}

const marksOf = (provided: ProvidedClass) => ({
  ofClass: provided.mark<ScheduleMark[]>(QUEUE_SCHEDULE) ?? [],
  ofMethods: provided.methodMarks<ScheduleMark>(QUEUE_SCHEDULE),
});

/** The schedules that stand on a handler: on the class for what `process` takes, on its methods for their jobs. */
export function schedulesOf(provided: ProvidedClass, handler: Marked): FoundSchedule[] {
  const { ofClass, ofMethods } = marksOf(provided);
  if (ofClass.length + ofMethods.length === 0) return [];
  if (isPattern(handler.queue))
    throw invalid(
      provided,
      `has a @QueueSchedule, and works the pattern "${handler.queue}": no one queue gets its jobs. Schedule it with QueueSchedules.put().`,
    );
  return [
    ...ofClass.map((mark) => ofProcess(provided, handler, mark)),
    ...ofMethods.flatMap((mark) => ofMethod(provided, handler, mark)),
  ];
}

function ofProcess(provided: ProvidedClass, handler: Marked, mark: ScheduleMark): FoundSchedule {
  if (!provided.method('process'))
    throw invalid(
      provided,
      'has a @QueueSchedule but no process() method. Let it stand on a @HandleJob method.',
    );
  const target = handler.template ?? handler.queue;
  return { ...mark, target, jobName: '', label: `${provided.name}.process` };
}

function ofMethod(
  provided: ProvidedClass,
  handler: Marked,
  { schedule, method }: ScheduleMark & { method: string },
): FoundSchedule[] {
  if (method === 'process') return [ofProcess(provided, handler, { schedule })];
  const own = handler.jobs.filter((job) => job.method === method);
  if (own.length === 0)
    throw invalid(provided, `has a @QueueSchedule on ${method}(), which is no @HandleJob method.`);
  return own.map(({ template, name }) => ({
    schedule,
    target: template ?? handler.queue,
    jobName: template ? '' : name,
    label: `${provided.name}.${method}`,
  }));
}

/** It would never run. */
export function refuseOrphanSchedules(provided: ProvidedClass): void {
  const { ofClass, ofMethods } = marksOf(provided);
  if (ofClass.length + ofMethods.length > 0)
    throw invalid(provided, 'has a @QueueSchedule, but no @QueueHandler(queue) on the class.');
}
