import { JobQueue } from '../pull/job-queue.js';
import { isTemplate, type JobTarget } from '../job/job-template.js';
import { checkQueueName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { QueueAdmin } from '../admin/queue-admin.js';
import { QueueDoctor } from '../doctor/queue-doctor.js';
import { QueueHealth } from '../health/queue-health.js';
import { QueueLimits } from '../limits/queue-limits.js';
import { QueueService } from '../queue.service.js';
import { QueueSchedules } from '../schedules/queue-schedules.js';
import { QueueWorker } from '../worker/queue-worker.js';
import { QueueWorkflows } from '../workflows/queue-workflows.js';

/** By name, since a bundler may shorten those of the classes. */
const NAMES = new Map<unknown, string>([
  [QueueService, 'QueueService'],
  [QueueSchedules, 'QueueSchedules'],
  [QueueAdmin, 'QueueAdmin'],
  [QueueWorker, 'QueueWorker'],
  [JobQueue, 'JobQueue'],
  [QueueDoctor, 'QueueDoctor'],
  [QueueHealth, 'QueueHealth'],
  [QueueLimits, 'QueueLimits'],
  [QueueWorkflows, 'QueueWorkflows'],
]);

/** What an instance of the module provides beside the queues of `forFeature`. */
type Provided =
  | typeof QueueService
  | typeof QueueSchedules
  | typeof QueueAdmin
  | typeof QueueWorkflows
  | typeof QueueWorker
  | typeof JobQueue
  | typeof QueueDoctor
  | typeof QueueHealth
  | typeof QueueLimits;

/**
 * What to inject for the `QueueService`, `QueueSchedules`, `QueueAdmin`, `QueueWorker`, `JobQueue`, `QueueDoctor`, `QueueHealth` or `QueueLimits` of an instance of the module:
 * the class itself for the unnamed one. @throws QueueError `INVALID_NAME` for another class.
 */
export function getToken<Class extends Provided>(
  target: Class,
  instance = 'default',
): Class | string {
  const name = NAMES.get(target);
  if (!name)
    throw new QueueError(
      'INVALID_NAME',
      `getToken: ${unknown(target)} is nothing that the module provides: ${[...NAMES.values()].join(', ')}.`,
    );
  return instance === 'default' ? target : `${instance}${name}`;
}

const unknown = (target: unknown): string =>
  typeof target === 'function' ? `the class ${target.name}` : `a ${typeof target}`;

/** What to inject for the resolved options of an instance. */
export function getSimpleQueueOptionsToken(instance = 'default'): string {
  return instance === 'default' ? 'SimpleQueueOptions' : `${instance}SimpleQueueOptions`;
}

/** @internal What the dashboard looks at. */
export function getStorageToken(instance: string): string {
  return `SimpleQueueStorage:${instance}`;
}

/**
 * What to inject for the `Queue` of a template or of a queue's name. It reads as what provides it, since Nest's error shows it where that is
 * missing. @throws QueueError `INVALID_NAME`
 */
export function getQueueToken(target: JobTarget, instance = 'default'): string {
  const which = isTemplate(target)
    ? `defineJob({ queue: '${target.queue}', name: '${target.name}' })`
    : `'${checkQueueName(target)}'`;
  return `SimpleQueueModule.forFeature([${which}]${instance === 'default' ? '' : `, '${instance}'`})`;
}
