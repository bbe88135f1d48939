import type { Enqueued } from '../job/enqueue-options.js';
import { keptSince } from '../job/lane.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import { QueuePolicies } from '../options/queue-policy.js';
import { wallTime } from '../runtime/wall-clock.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { codeOf } from '../spool/files.js';
import type { Spool } from '../spool/spool.js';
import { SpoolRefusal } from '../spool/state.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Storage } from '../storage/storage.js';
import type { CheckedJob } from './new-job.js';
import { Replayer } from './replayer.js';
import { recordOf } from './spooled-call.js';

/**
 * The way of a call that a spool may take: to the database, and to the disk where that is away. As long as jobs of this process wait on the
 * disk, the next ones go behind them: they stay in order, and no call waits for a server that is not there.
 */
export class Spooling {
  private readonly policies: QueuePolicies;
  private isFull = false;

  constructor(
    private readonly spool: Spool,
    private readonly replay: Replayer,
    options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {
    this.policies = new QueuePolicies(options);
  }

  async through(jobs: CheckedJob[], send: () => Promise<Enqueued[]>): Promise<Enqueued[]> {
    if (this.replay.isStopped) return send();
    if (this.spool.isBehind) await this.replay.closing;
    if (!jobs.every(maySpool)) return send();
    if (this.spool.isBehind) return this.keep(jobs);
    const since = wallTime();
    try {
      return await send();
    } catch (error) {
      return this.afterFailure(jobs, error, since);
    }
  }

  /** Of a call whose jobs are known only now, and which began at `since`. */
  async afterFailure(jobs: CheckedJob[], error: unknown, since: number): Promise<Enqueued[]> {
    if (!(error instanceof DatabaseError) || !error.isAway || !jobs.every(maySpool)) throw error;
    const unsure = !error.isUnsent && jobs.every(({ lane }) => lane !== undefined);
    if (unsure && !jobs.every((job) => this.isRemembered(job))) throw error;
    return this.keep(jobs, error, unsure ? since : undefined);
  }

  /** A repeat of what may be stored already is found by its id, live or kept. What changed another job is remembered by nothing, and a caller's id ends with its job. */
  private isRemembered({ queue, conflict, lane }: CheckedJob): boolean {
    const said = lane && keptSince(lane, Date.now());
    return conflict === undefined && (said ?? this.policies.of(queue).archiveKeepMs ?? 0) > 0;
  }

  /** Callers go to the database alone. */
  stop(): Promise<void> {
    return this.replay.stop();
  }

  private async keep(
    jobs: CheckedJob[],
    error?: DatabaseError,
    unsureSince?: number,
  ): Promise<Enqueued[]> {
    const at = unsureSince ?? wallTime();
    try {
      await this.spool.append(recordOf({ at, ...(unsureSince && { unsure: true }), jobs }));
    } catch (failure) {
      throw this.notKept(failure, error);
    }
    this.isFull = false;
    this.replay.note(jobs.length);
    for (const { id, queue, name } of jobs)
      this.events.emit('enqueued', () => ({ id, queue, name, outcome: 'spooled' }));
    return jobs.map(({ id }) => ({ id, created: false, outcome: 'spooled' }));
  }

  private notKept(failure: unknown, error: DatabaseError | undefined): QueueError {
    const reason = failure instanceof SpoolRefusal ? failure.message : (codeOf(failure) ?? 'UNKNOWN'); // prettier-ignore
    const why =
      error?.message.replace(/\.?$/, '') ??
      'The database is away, and jobs before this one wait in the spool';
    const message = `${why}. The spool cannot take it either: ${reason}.`;
    if (!this.isFull) {
      this.isFull = true;
      this.events.emit('warning', () => ({ code: 'SPOOL_FULL', message: `A spool takes no more: ${reason}. Enqueues fail until it does.` })); // prettier-ignore
    }
    return new QueueError(error?.code ?? 'DATABASE_UNAVAILABLE', message, { cause: error ?? failure }); // prettier-ignore
  }
}

/** A staged job waits for a second call, which would look for it in vain. */
const maySpool = ({ commitWithinMs }: CheckedJob): boolean => commitWithinMs === undefined;

/** For the one who enqueues with the storage that has this spool; it replays what waits there at once. */
export function spoolingOf(
  spool: Spool,
  storage: Storage,
  options: ResolvedOptions,
  events: QueueEventBus,
): Spooling {
  const replay = new Replayer(spool, storage, options, events);
  replay.start();
  return new Spooling(spool, replay, options, events);
}
