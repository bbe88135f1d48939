import { JobQueue } from '../pull/job-queue.js';
import { isTemplate, type JobTarget } from '../job/job-template.js';
import { checkQueueName } from '../job/names.js';
import { QueueAdmin } from '../admin/queue-admin.js';
import { QueueDoctor } from '../doctor/queue-doctor.js';
import { QueueHealth } from '../health/queue-health.js';
import { QueueService } from '../queue.service.js';
import { QueueWorker } from '../worker/queue-worker.js';

/** What to inject for the `QueueService` of an instance: the class itself for the unnamed one. */
export function getQueueServiceToken(instance = 'default'): typeof QueueService | string {
  return instance === 'default' ? QueueService : `${instance}QueueService`;
}

/** What to inject for the `QueueAdmin` of an instance: the class itself for the unnamed one. */
export function getQueueAdminToken(instance = 'default'): typeof QueueAdmin | string {
  return instance === 'default' ? QueueAdmin : `${instance}QueueAdmin`;
}

/** What to inject for the `QueueWorker` of an instance: the class itself for the unnamed one. */
export function getQueueWorkerToken(instance = 'default'): typeof QueueWorker | string {
  return instance === 'default' ? QueueWorker : `${instance}QueueWorker`;
}

/** What to inject for the `JobQueue` (the pull contract) of an instance: the abstract class itself for the unnamed one. */
export function getJobQueueToken(instance = 'default'): typeof JobQueue | string {
  return instance === 'default' ? JobQueue : `${instance}JobQueue`;
}

/** What to inject for the `QueueDoctor` of an instance: the class itself for the unnamed one. */
export function getQueueDoctorToken(instance = 'default'): typeof QueueDoctor | string {
  return instance === 'default' ? QueueDoctor : `${instance}QueueDoctor`;
}

/** What to inject for the `QueueHealth` of an instance: the class itself for the unnamed one. */
export function getQueueHealthToken(instance = 'default'): typeof QueueHealth | string {
  return instance === 'default' ? QueueHealth : `${instance}QueueHealth`;
}

/** What to inject for the resolved options of an instance. */
export function getSimpleQueueOptionsToken(instance = 'default'): string {
  return instance === 'default' ? 'SimpleQueueOptions' : `${instance}SimpleQueueOptions`;
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
