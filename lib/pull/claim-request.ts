import { checkWorkerLabels } from '../job/values/labels.js';
import { checkId, checkQueueName, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { isText } from '../job/values/text.js';
import type { Served } from '../job/lane.js';
import {
  callable,
  listOf,
  must,
  passes,
  shape,
  whole,
  yesOrNo,
  type Rule,
} from '../runtime/rules.js';
import type { ClaimRequest } from './job-queue.js';
import { DAY_MS, inMs, msOf, type Duration } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';

const MAX_JOBS = 100;
const MAX_WORKER_ID = 200;

/** Also a lease of the pull contract can be renewed for this long. */
const lease = duration(100, DAY_MS);

const workerId = must(
  (value) => isText(value, MAX_WORKER_ID) && value !== '',
  `1 to ${MAX_WORKER_ID} characters of well-formed text`,
);

const pattern = passes((queue: unknown) => {
  if (queue !== '*') checkQueueName(typeof queue === 'string' ? queue.replace(/\*$/, '') : queue);
});

const claimRequest = shape(
  {
    workerId,
    queues: listOf(pattern),
    labels: (value, path) => passes(checkWorkerLabels)(value, path),
    leaseMs: lease,
    limit: whole(1, MAX_JOBS),
  } satisfies Record<keyof ClaimRequest, Rule>,
  ['workerId', 'queues'],
);

/** A request as it is meant: checked, with its defaults. */
export interface CheckedClaim extends Served {
  workerId: string;
  leaseMs: number;
  limit: number;
  /** At most this many that were in flight at a crash: half of what runs may be guilty. */
  suspects: number;
}

/** @throws QueueError `INVALID_OPTION` with all that is wrong. */
export function checkClaim(request: ClaimRequest, defaultLeaseMs: number): CheckedClaim {
  const checked = inMs(request);
  refuse('claim', claimRequest(checked, ''));
  const { workerId, queues, labels = [], leaseMs = defaultLeaseMs, limit = 1 } = checked;
  return {
    workerId,
    queues,
    labels: new Set(labels),
    leaseMs,
    limit,
    suspects: Math.ceil(limit / 2),
  };
}

export function checkLeaseMs(given: Duration): number {
  const leaseMs = msOf(given);
  refuse('renewLease', lease(leaseMs, 'leaseMs'));
  return leaseMs;
}

/** Options of `fail`. */
const failOptions = shape({ retryable: yesOrNo });

export function checkRetryable(options: { retryable?: boolean }): boolean {
  refuse('fail', failOptions(options, ''));
  return options.retryable ?? true;
}

/** A subscription that never hears anything would be noticed late. */
export function checkListener(listener: unknown): void {
  refuse('subscribe', callable(listener, 'listener'));
}

/** Leases are named by UUIDs; anything else was never given. */
export function checkLeaseId(leaseId: unknown): string {
  try {
    return checkId(leaseId);
  } catch {
    throw new QueueError(
      'LEASE_UNKNOWN',
      `${quote(leaseId)} is not a lease. Pass the leaseId that claim returned.`,
    );
  }
}

function refuse(call: string, problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `${call}: ${problems.join('; ')}.`);
}
