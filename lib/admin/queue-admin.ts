import type { FoundJob } from '../job/job.js';
import type { JobState } from '../job/job-state.js';
import { checkId, checkQueueName } from '../job/names.js';
import type { Storage } from '../storage/storage.js';
import {
  checkFilter,
  checkGroup,
  checkPage,
  type JobFilter,
  type JobPage,
  type PurgeOptions,
  type RedriveOptions,
} from './job-filter.js';
import { JobList, type JobPageAnswer } from './job-list.js';
import {
  Overview,
  type BlockedGroup,
  type QueueStats,
  type QueueSummary,
  type WorkerSummary,
} from './overview.js';
import { Purge } from './purge.js';
import type { PurgeCounts } from './job-filter.js';
import { blocked, MOST_AHEAD, REASONS, type Reason } from './reasons.js';
import { Revivals, type Retried } from './revivals.js';
import type { RedriveCounts } from './job-filter.js';

/** Why a job does not run. */
export interface Explanation {
  id: string;
  /** undefined: no such job is known. */
  state?: JobState;
  /** Everything that holds, the strongest reason first; never empty. */
  reasons: Reason[];
  /** The reasons as sentences. */
  text: string;
}

const PAGE = 50;

/**
 * What operators do: look at queues and jobs, pause, run again, delete. Each command is a transaction of its own, and safe beside
 * workers and other operators. It needs no worker in its process.
 */
export class QueueAdmin {
  private readonly overview: Overview;
  private readonly list: JobList;
  private readonly revivals: Revivals;
  private readonly purges: Purge;

  /** @internal The module makes it. */
  constructor(private readonly storage: Storage) {
    this.overview = new Overview(storage);
    this.list = new JobList(storage);
    this.revivals = new Revivals(storage, this.list);
    this.purges = new Purge(storage, this.list);
  }

  /** Every queue by name, with depth and lanes. Counts end at 10,000 (`atLeast`); what succeeded is not counted. */
  async queues(): Promise<QueueSummary[]> {
    return this.overview.queues();
  }

  /** One queue, and how its dead letters ended. @throws QueueError `QUEUE_UNKNOWN`. */
  async stats(queue: string): Promise<QueueStats> {
    return this.overview.stats(checkQueueName(queue));
  }

  /**
   * Jobs by filter, without payloads, page by page: what runs, then ready (in the order in which it would run), scheduled (soonest
   * first), dead letters and archive (newest id first); by `uniqueKey` or `fingerprint` newest id first. A page may be short, even
   * empty, while it has a `next`. Pages are no snapshot: a job that moves meanwhile may be seen twice or not at all.
   * @throws QueueError `INVALID_OPTION`.
   */
  async jobs(filter: JobFilter = {}, page: JobPage = {}): Promise<JobPageAnswer> {
    const { limit = PAGE, after } = checkPage(page);
    return this.list.page(checkFilter('jobs', filter), limit, after);
  }

  /** The whole job wherever it is; undefined when it is unknown or no longer kept. */
  async job<Payload = unknown, Output = unknown>(
    id: string,
  ): Promise<FoundJob<Payload, Output> | undefined> {
    return (await this.storage.jobs.find(checkId(id))) as FoundJob<Payload, Output> | undefined;
  }

  /**
   * No worker claims from the queue any more: at once with wake-ups, within `pollIntervalMs` with `wakeUp: 'off'`. What runs
   * ends; enqueueing goes on.
   * Kept in the database until `resume`. @throws QueueError `QUEUE_UNKNOWN`.
   */
  async pause(queue: string): Promise<void> {
    await this.overview.pause(checkQueueName(queue), true);
  }

  /** Workers claim from the queue again. @throws QueueError `QUEUE_UNKNOWN`. */
  async resume(queue: string): Promise<void> {
    await this.overview.pause(checkQueueName(queue), false);
  }

  /**
   * Runs a job again, whichever way it ended, or now rather than at its time: same id, attempts from 0, history kept. A job that had
   * ended is no longer in the archive or dead letter queue then.
   * @throws QueueError `JOB_UNKNOWN`, `JOB_RUNNING`, `JOB_HELD`, `UNIQUE_KEY_TAKEN`, `INVALID_OPTION`; `TRANSACTION_CONFLICT` where the job
   * changed its state again and again meanwhile.
   */
  async retry(id: string): Promise<Retried> {
    return this.revivals.retry(checkId(id));
  }

  /**
   * Runs ended jobs again, in batches of their own transactions: those of the dead letter queue, or of the states that the filter
   * names. What the dry run counts may have changed a moment later. `signal` ends it between two batches.
   * @throws QueueError `INVALID_OPTION`; what was revived before an error of the database stays so, and a repeat goes on.
   */
  async redrive(filter: JobFilter, options: RedriveOptions = {}): Promise<RedriveCounts> {
    return this.revivals.redrive(filter, options);
  }

  /**
   * Deletes waiting and ended jobs for good, in batches of their own transactions; what runs is left. Nothing remembers them: an id
   * of the caller's may be enqueued again. `signal` ends it between two batches. @throws QueueError `INVALID_OPTION`, also for an empty filter.
   */
  async purge(filter: JobFilter, options: PurgeOptions = {}): Promise<PurgeCounts> {
    return this.purges.purge(filter, options);
  }

  /**
   * Lets an ordered group go on behind the job that ended badly and blocks it, or halts its queue; without `group` a queue that is ordered
   * as a whole. The job stays in the dead letter queue. Answers its id, or undefined where no dead job blocks the group.
   * @throws QueueError `INVALID_NAME`, `INVALID_OPTION`.
   */
  async releaseGroup(queue: string, group = ''): Promise<string | undefined> {
    if (group !== '') checkGroup('releaseGroup', group);
    const released = await this.storage.groups.release(checkQueueName(queue), group);
    if (released) this.storage.signals.send({ lanes: [], later: true });
    return released;
  }

  /**
   * Ordered groups that a job which ended badly blocks, of all queues or one, the longest blocked first, 1,000 at most. Retry or purge the
   * job, or `releaseGroup`; a group goes on by itself when its job is no longer kept. @throws QueueError `INVALID_NAME`.
   */
  async blockedGroups(queue?: string): Promise<BlockedGroup[]> {
    return this.overview.blockedGroups(queue === undefined ? undefined : checkQueueName(queue));
  }

  /** Every process that holds a lease, the oldest first, 1,000 at most. */
  async workers(): Promise<WorkerSummary[]> {
    return this.overview.workers();
  }

  /** Why this job is not running, as codes and in words. An unknown id is a reason, too. @throws QueueError `INVALID_OPTION`. */
  async explain(id: string): Promise<Explanation> {
    const checked = checkId(id);
    const situation = await this.storage.queues.explain(checked, MOST_AHEAD);
    if (!situation) return { id: checked, ...inWords([UNKNOWN]) };
    const reasons = REASONS.map((look) => look(situation)).filter((reason) => reason !== undefined);
    if (situation.state === 'blocked')
      reasons.unshift(...(await this.blockedBy(checked, situation.queue)));
    return { id: checked, state: situation.state, ...inWords(reasons) };
  }

  private async blockedBy(id: string, queue: string): Promise<Reason[]> {
    const group = (await this.storage.jobs.find(id))?.group ?? '';
    const state = await this.storage.groups.describe(queue, group);
    return state ? [blocked(queue, group, state)] : [];
  }
}

const UNKNOWN: Reason = {
  code: 'UNKNOWN',
  text: 'No job has this id: it never was, its transaction has not committed, or its retention is over.',
};

const inWords = (reasons: Reason[]): Pick<Explanation, 'reasons' | 'text'> => ({
  reasons,
  text: reasons.map((reason) => reason.text).join(' '),
});
