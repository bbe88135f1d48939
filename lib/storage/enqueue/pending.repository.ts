import type { Enqueued } from '../../job/enqueue-options.js';
import { QueueError } from '../../job/queue.errors.js';
import type { Run } from '../connection/database.js';
import type { NewJob } from '../../job/new-job.js';
import type { Lanes } from '../lanes/lanes.js';
import type { Lane } from '../../job/lane.js';
import { SHARD } from '../connection/shard.js';
import {
  COUNT_PENDING,
  LEAST_WITH_HEADROOM,
  LOCK_PENDING,
  TAKE_HEADROOM,
} from './count-pending.sql.js';
import { undoable } from '../connection/callers/undoable.js';

export const isLimited = (job: NewJob): boolean => job.maxPending !== undefined;

/** Back pressure: what would make a queue hold more waiting jobs than its limit is refused. In a transaction; exact among its users. */
export class PendingRepository {
  constructor(private readonly lanes: Lanes) {}

  /** Jobs of one call, so of one queue and one limit. All come in, or none. */
  async within(run: Run, jobs: NewJob[], insert: () => Promise<Enqueued[]>): Promise<Enqueued[]> {
    const { lane, maxPending } = jobs[0]! as NewJob & { maxPending: number };
    const asked = { lane, most: maxPending, jobs: jobs.length };
    const room = (await this.roomFor(run, asked)) ?? (await this.roomFor(run, asked)) ?? maxPending;
    if (jobs.length <= room) return insert();
    if (jobs.every(isAlwaysNew)) throw full(jobs.length, lane.queue, maxPending);
    return undoable(run, async () => {
      const answers = await insert();
      // What is known already takes no room, and only the insert knows.
      if (answers.filter((answer) => answer.created).length > room)
        throw full(jobs.length, lane.queue, maxPending);
      return answers;
    });
  }

  /** How many jobs may come in, as far as it matters; undefined: the queue has another number by now. */
  private async roomFor(run: Run, { lane, most, jobs }: Asked): Promise<number | undefined> {
    const { id, queueId } = lane;
    await this.lock(run, queueId, lane.queue);
    if (most >= LEAST_WITH_HEADROOM) {
      const taken = await run(TAKE_HEADROOM, [SHARD, queueId, most, jobs, id]);
      if (taken.length > 0) return jobs;
    }
    const [row] = await run<{ pending: number; known: boolean }>(COUNT_PENDING, [SHARD, queueId, most, id, jobs]); // prettier-ignore
    if (row!.known) return most - row!.pending;
    await this.lanes.renew([lane]);
    return undefined;
  }

  private async lock(run: Run, queueId: number, queue: string): Promise<void> {
    const [row] = await run<{ level: string }>(LOCK_PENDING, [queueId]);
    if (row!.level !== 'read committed' && row!.level !== 'read uncommitted')
      throw unseen(queue, row!.level);
  }
}

interface Asked {
  lane: Lane;
  most: number;
  jobs: number;
}

const isAlwaysNew = (job: NewJob): boolean => job.uniqueKey === undefined && !job.givenId;

function full(count: number, queue: string, maxPending: number): QueueError {
  const what = count === 1 ? 'The job was' : `The ${count} jobs were`;
  return new QueueError(
    'QUEUE_FULL',
    `${what} refused: queue "${queue}" may hold ${maxPending} waiting jobs (maxPending). Enqueue later, or raise the limit.`,
  );
}

function unseen(queue: string, level: string): QueueError {
  return new QueueError(
    'ISOLATION_UNSUPPORTED',
    `maxPending of queue "${queue}" cannot be exact in a ${level.toUpperCase()} transaction, which does not see what others commit. Enqueue in a READ COMMITTED transaction, or without a limit.`,
  );
}
