import { QueueError } from '../../job/queue.errors.js';

/** A lease of the pull contract that lapsed under its job. */
export function leaseLost(lease: string, job: string): QueueError {
  const message = `Lease ${lease} has lost job ${job}: it was not renewed in time, and another worker may run the job. Nothing was changed; drop this run.`;
  return new QueueError('LEASE_LOST', message);
}

const MAX_NAMED = 10;

/** A lease whose time is over, whether somebody has reaped it yet or not, and what it held. */
export function leaseExpired(lease: string, jobs: readonly string[]): QueueError {
  const more = jobs.length > MAX_NAMED ? ` and ${jobs.length - MAX_NAMED} more` : '';
  const named = `${jobs.slice(0, MAX_NAMED).join(', ')}${more}`;
  const message = `Lease ${lease} has expired: it was not renewed in time, and another worker may run its jobs (${named}). Nothing was changed; stop its runs.`;
  return new QueueError('LEASE_LOST', message);
}

export function leaseForeign(lease: string, job: string): QueueError {
  const message = `Lease ${lease} does not hold job ${job}: it never did, or the job is settled already. Nothing was changed.`;
  return new QueueError('LEASE_FOREIGN', message);
}

export function leaseUnknown(lease: string): QueueError {
  const message = `There is no lease ${lease}: it was never given, its last job is settled, or it lapsed more than a day ago. Nothing was changed.`;
  return new QueueError('LEASE_UNKNOWN', message);
}
