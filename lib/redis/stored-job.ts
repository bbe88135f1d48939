import type { CheckedJob } from '../enqueue/new-job.js';
import { jobProgress, type StoredProgress } from '../job/progress.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueuePolicy } from '../options/queue-policy.js';
import { keptMs, type Departure } from '../plain/departure.js';
import { PlainJob, type Ending } from '../plain/plain-job.js';
import { leaseForeign, leaseLost, leaseUnknown } from '../storage/leases/lease-errors.js';
import { MAX_LANES } from './scripts.js';

/** A job's hash, as far as somebody asked for it. Of all but what it says, the scripts take care. */
type Fields = Partial<Record<string, string | null>>;

/** What of a run is decided here, and kept as it is. */
type Run = Pick<PlainJob, 'attempt' | 'stalls' | 'lastError' | 'history' | 'progress'>;

/** A job with all of its hash. */
export type Row = [id: string, fields: string[]];
/** A job with what decides about it. */
export type Facts = [id: string, facts: (string | null)[]];
/** What `HELD` replies: with a lease and a job only where the one holds the other. */
export type Held = [
  status: 'HELD' | 'FOREIGN' | 'LOST' | 'UNKNOWN',
  now: number,
  lease: [worker: string, takenAt: string],
  job: Facts,
];
export type Lapsed = [leaseId: string, worker: string, jobs: Facts[]];

export const NOT_HELD = { FOREIGN: leaseForeign, LOST: leaseLost, UNKNOWN: leaseUnknown };

/** What names a lane in keys: names have no space, labels no comma. */
export const laneOf = ({ queue, labels }: CheckedJob): string => `${queue} ${labels.join(',')}`;

export const tooManyLanes = (): QueueError =>
  new QueueError(
    'TOO_MANY_LANES',
    `There are jobs of ${MAX_LANES} queues and sets of labels, the most there may be. Labels say what a worker must have (gpu, eu); put ids into the payload.`,
  );

/** What a new job's hash has besides what the script writes. */
export function fieldsOf(job: CheckedJob): string[] {
  const { queue, name, labels, priority, uniqueKey, fingerprint, options, payloadBytes } = job;
  const facts = { queue, name, labels, priority, uniqueKey, fingerprint, options };
  const fields = ['queue', queue, 'job', JSON.stringify(facts), 'payload', job.payload];
  return payloadBytes ? [...fields, 'bytes', payloadBytes.toString('base64')] : fields;
}

export function fieldsFrom(flat: string[]): Fields {
  const pairs = flat.flatMap((name, at) => (at % 2 ? [] : [[name, flat[at + 1]] as const]));
  return Object.fromEntries(pairs);
}

/** The fields that decide, in the order of the scripts. */
export const factsFrom = ([job, run, suspicion, cancelAt]: (string | null)[]): Fields => ({
  ...{ job, run, suspicion, cancelAt },
});

export function plainJob(id: string, fields: Fields): PlainJob {
  const { job, payload, bytes, run, place, end, lease, cancelAt } = fields;
  const checked = {
    ...(JSON.parse(job!) as CheckedJob),
    ...{ id, payload: payload ?? 'null' },
    payloadBytes: bytes ? Buffer.from(bytes, 'base64') : undefined,
  };
  const order = Number(place?.split(' ')[1] ?? 0);
  const plain = new PlainJob(checked, Number(fields.createdAt), Number(fields.runAt), order);
  return Object.assign(plain, run && runFrom(run), {
    suspicion: Number(fields.suspicion),
    lease: lease ?? undefined,
    cancelAt: cancelAt ? Number(cancelAt) : undefined,
    end: end ? { ...(JSON.parse(end) as Ending), at: Number(fields.finishedAt) } : undefined,
  });
}

export function runOf({ attempt, stalls, lastError, history, progress }: Run): string {
  return JSON.stringify({ attempt, stalls, lastError, history, progress });
}

/** JSON has no dates. */
function runFrom(text: string): Run {
  const run = JSON.parse(text) as Run & { progress?: StoredProgress };
  return { ...run, progress: run.progress && jobProgress(run.progress) };
}

/** What `depart` is given; `minds` whether it matters that somebody has asked the job to stop meanwhile. */
export function departureOf(
  job: PlainJob,
  { end, delayMs = 0 }: Departure,
  { policy, minds }: { policy: QueuePolicy; minds: boolean },
): (string | number)[] {
  const { suspicion, cancelAt } = job;
  const ending = end ? [JSON.stringify(end), keptMs(policy, end.state)] : ['', 0];
  const seen = minds ? Number(cancelAt !== undefined) : '';
  return [job.job.id, seen, runOf(job), suspicion, Math.ceil(delayMs), ...ending];
}
