import type { Enqueued } from '../job/enqueue-options.js';
import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import { Coalescer } from '../runtime/coalescer.js';
import { isPlain } from '../storage/enqueue/enqueue.repository.js';
import type { NewJob } from '../job/new-job.js';
import type { DirectClaim } from '../storage/enqueue/direct-claims.js';
import { isNotifyRefusal } from '../storage/wake-ups/notify-rest.js';
import type { Notice } from '../storage/wake-ups/signals.js';
import { MAX_BYTES, sizeOf } from '../storage/enqueue/chunks.js';
import { isLimited } from '../storage/enqueue/pending.repository.js';
import { created } from '../storage/enqueue/storing.js';
import type { Storage } from '../storage/storage.js';
import { signalOf } from './signal-of.js';

/**
 * Jobs of concurrent callers without a transaction: what comes while a statement is under way leaves together with the next one. A job that
 * comes alone carries its wake-up along, or is taken at once by a worker of this process that has nothing else to do.
 */
export class SharedInserts {
  private readonly coalescer: Coalescer<NewJob, Enqueued>;
  /** By queue: those that take jobs under a limit, whose transactions follow each other anyway. */
  private readonly limited = new Map<number, Coalescer<NewJob, Enqueued>>();

  constructor(private readonly storage: Storage) {
    this.coalescer = coalescerOf((jobs) => this.flush(jobs), {
      maxFlights: 2,
      isLone: (code) => code === 'DATABASE_ERROR',
    });
  }

  add(job: NewJob): Promise<Enqueued> {
    return isLimited(job) ? this.limitedOf(job.lane.queueId).add(job) : this.coalescer.add(job);
  }

  private limitedOf(queueId: number): Coalescer<NewJob, Enqueued> {
    const known = this.limited.get(queueId);
    if (known) return known;
    const made = coalescerOf((jobs) => this.flushLimited(jobs), {
      maxFlights: 1,
      isLone: (code) => code === 'DATABASE_ERROR' || code === 'QUEUE_FULL',
    });
    this.limited.set(queueId, made);
    return made;
  }

  /** Counted once for all of them. Where they do not fit together, or have several limits, each is counted for itself. */
  private async flushLimited(jobs: NewJob[]): Promise<Enqueued[]> {
    if (jobs.some(({ maxPending }) => maxPending !== jobs[0]!.maxPending)) throw SEVERAL_LIMITS;
    return this.storeApart(jobs);
  }

  private flush(jobs: NewJob[]): Promise<Enqueued[]> {
    const [first] = jobs as [NewJob];
    return jobs.length === 1 && isPlain(first) ? this.storeAlone(first) : this.storeApart(jobs);
  }

  private storeAlone(job: NewJob): Promise<Enqueued[]> {
    const { directClaims, signals } = this.storage;
    const claim = directClaims.of(job.lane.id);
    if (claim) return this.storeClaimed(job, claim);
    const notice = signals.noticeOf(job.lane.id);
    return notice ? this.storeWithNotice(job, notice) : this.storeApart([job]);
  }

  /** Hints are hints: where PostgreSQL refuses the NOTIFY, the job is stored without one. */
  private async storeWithNotice(job: NewJob, notice: Notice): Promise<Enqueued[]> {
    const { enqueues, signals } = this.storage;
    try {
      const answer = await enqueues.insertAndNotify(job, notice);
      // Else its lane is one of the past.
      if (!answer) return this.storeApart([job]);
      signals.sendHere(signalOf([job]));
      return [answer];
    } catch (error) {
      if (!isNotifyRefusal(error)) throw error;
      const answers = await enqueues.insert([job]);
      signals.refused(error);
      signals.sendHere(signalOf([job]));
      return answers;
    }
  }

  /** Their wake-up leaves by itself. */
  private async storeApart(jobs: NewJob[]): Promise<Enqueued[]> {
    const answers = await this.storage.enqueues.insert(jobs);
    this.storage.signals.send(signalOf(jobs));
    return answers;
  }

  /** Callers get their answer before the handler begins. Where the worker's lane is one of the past, it is stored for all. */
  private async storeClaimed(job: NewJob, claim: DirectClaim): Promise<Enqueued[]> {
    try {
      const row = await this.storage.enqueues.insertClaimed(job, claim);
      if (row) {
        setImmediate(() => claim.stored(row));
        return [created(job)];
      }
    } catch (error) {
      claim.failed();
      throw error;
    }
    claim.failed();
    return this.storeApart([job]);
  }
}

/** `isLone`: errors that may be those of one job among them. */
function coalescerOf(
  flush: (jobs: NewJob[]) => Promise<Enqueued[]>,
  { maxFlights, isLone }: { maxFlights: number; isLone: (code: QueueErrorCode) => boolean },
): Coalescer<NewJob, Enqueued> {
  return new Coalescer(flush, {
    maxItems: 1_000,
    maxWeight: MAX_BYTES,
    weightOf: sizeOf,
    maxFlights,
    isShared: (error) => error instanceof QueueError && !isLone(error.code),
  });
}

/** Nobody sees it: the jobs go one by one. */
const SEVERAL_LIMITS = new Error('Jobs with several limits do not go together.');
