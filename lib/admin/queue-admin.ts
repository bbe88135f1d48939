import type { FoundJob } from '../job/job.js';
import type { CancelCounts, ChangeAnswer, JobChanges } from '../job/enqueue-options.js';
import { checkId, checkQueueName } from '../job/names.js';
import type { Trouble } from '../job/trouble.js';
import { checkChanges } from '../options/job-changes.js';
import { oneLine } from '../runtime/words.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import { troublesOf } from '../troubles/troubles.js';
import type { AuditFilter, AuditPage, OperatorAction } from './audit.js';
import type { AdminParts } from './admin-parts.js';
import { givenIn, refuse, taken, text } from './checks.js';
import type { ErrorGroup, ErrorOptions } from './errors.js';
import { parseSearch } from './search.js';
import type { Explanation } from './explain.js';
import {
  checkFilter,
  checkGroup,
  checkPage,
  type CancelOptions,
  type JobFilter,
  type JobPage,
  type PurgeCounts,
  type PurgeOptions,
  type RedriveCounts,
  type RedriveOptions,
} from './job-filter.js';
import type { JobPageAnswer } from './job-list.js';
import type {
  BlockedGroup,
  QueueStats,
  QueueSummary,
  QueuesPage,
  Totals,
  WorkerSummary,
} from './overview.js';
import type { LimitChange, LimitPart, LimitSummary } from './limits.js';
import type { Retried } from './revivals.js';
import type { BusiestOptions, BusyQueue, Series, SeriesOptions } from './series.js';

const PAGE = 50;
const MOST_NAME = 200;
const MOST_ACTION = 100;

/**
 * What operators do: look at queues and jobs, pause, run again, delete. Each command is a transaction of its own, and safe beside
 * workers and other operators. It needs no worker in its process.
 */
export class QueueAdmin {
  private loading: Promise<AdminParts> | undefined;

  /** @internal The module makes it. */
  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly actor?: string,
  ) {}

  /** The same in the name of this person, for the audit. @throws QueueError `INVALID_OPTION`. */
  as(actor: string): QueueAdmin {
    refuse('as', text(actor, 'actor'));
    return new QueueAdmin(this.storage, this.options, oneLine(actor, MOST_NAME));
  }

  /**
   * An act of your own for the audit: `work` runs once that is written down, and what it does by other acts is a part of it. The acts of
   * `QueueAdmin` do it themselves. @throws what `work` throws, and QueueError `INVALID_OPTION`.
   */
  async act<T>(action: string, selector: object, work: () => Promise<T>): Promise<T> {
    refuse('act', text(action, 'action'));
    return (await this.parts()).acts.act(oneLine(action, MOST_ACTION), selector, work);
  }

  /** What operators did, the newest first: of 90 days, and the newest 50,000. @throws QueueError `INVALID_OPTION`. */
  async audit(filter: AuditFilter = {}, page: AuditPage = {}): Promise<OperatorAction[]> {
    return (await this.parts()).acts.list(filter, page);
  }

  /**
   * Queues by name, with depth and lanes, 1,000 at most; `after` is the name of the last one before. Counts end at 10,000 (`atLeast`); what
   * succeeded is not counted. @throws QueueError `INVALID_OPTION`.
   */
  async queues(page: QueuesPage = {}): Promise<QueueSummary[]> {
    return (await this.parts()).overview.queues(page);
  }

  /** Everything by place, however many queues and jobs there are. Counts end at 10,000. */
  async totals(): Promise<Totals> {
    return (await this.parts()).overview.totals();
  }

  /**
   * What failed, grouped by what is probably one fault: what fails now first, then the dead letters by their last. 500 groups at most, counted
   * up to 10,000 each. The key of a group is a filter, to list, redrive or purge its dead letters. @throws QueueError `INVALID_OPTION`, `QUEUE_UNKNOWN`.
   */
  async errors(options: ErrorOptions = {}): Promise<ErrorGroup[]> {
    const { failures, overview } = await this.parts();
    return failures.list(options, (queue) => overview.unknownQueue(queue));
  }

  /**
   * A filter of a text such as `queue:mail state:dead error:timeout since:2h attempt:>2 payload.order.id:42`.
   * @throws QueueError `INVALID_OPTION` with all that is wrong.
   */
  search(text: string): JobFilter {
    return parseSearch(text);
  }

  /**
   * Whatever waits for a person, the worst kinds first, each with the command that shows it and the one that puts it right. `status`, `queues`,
   * health and metrics read the same list, and the doctor some of it. Counts end at 1,000, and each kind lists 100 at most.
   */
  async troubles(): Promise<Trouble[]> {
    return troublesOf(this.storage, this.options);
  }

  /** One queue, and how its dead letters ended. @throws QueueError `QUEUE_UNKNOWN`. */
  async stats(queue: string): Promise<QueueStats> {
    return (await this.parts()).overview.stats(checkQueueName(queue));
  }

  /**
   * Jobs by filter, without payloads, page by page: what runs, then ready (in the order in which it would run), scheduled (soonest
   * first), dead letters and archive (newest id first); by `uniqueKey` or `fingerprint` newest id first. A page may be short, even
   * empty, while it has a `next`. Pages are no snapshot: a job that moves meanwhile may be seen twice or not at all.
   * @throws QueueError `INVALID_OPTION`.
   */
  async jobs(filter: JobFilter = {}, page: JobPage = {}): Promise<JobPageAnswer> {
    const { limit = PAGE, after } = checkPage(page);
    const wanted = checkFilter('jobs', filter);
    return (await this.parts()).list.page(wanted, limit, after);
  }

  /** The whole job wherever it is; undefined when it is unknown or no longer kept. */
  async job<Payload = unknown, Output = unknown>(
    id: string,
  ): Promise<FoundJob<Payload, Output> | undefined> {
    return (await this.storage.jobs.find(checkId(id))) as FoundJob<Payload, Output> | undefined;
  }

  /**
   * No worker claims from the queue any more: at once with wake-ups, within `pollIntervalMs` with `wakeUp: 'off'`. What runs ends;
   * enqueueing goes on. Kept in the database until `resume`. @throws QueueError `QUEUE_UNKNOWN`.
   */
  async pause(queue: string): Promise<void> {
    const name = checkQueueName(queue);
    const { acts, overview } = await this.parts();
    await acts.act('pause', { queue: name }, () => overview.pause(name, true));
  }

  /** Workers claim from the queue again. @throws QueueError `QUEUE_UNKNOWN`. */
  async resume(queue: string): Promise<void> {
    const name = checkQueueName(queue);
    const { acts, overview } = await this.parts();
    await acts.act('resume', { queue: name }, () => overview.pause(name, false));
  }

  /**
   * Runs a job again, whichever way it ended, or now rather than at its time: same id, attempts from 0, history kept. A job that had
   * ended is no longer in the archive or dead letter queue then; one that is `lost` is again where it belongs.
   * @throws QueueError `JOB_UNKNOWN`, `JOB_RUNNING`, `JOB_HELD`, `JOB_IS_STEP`, `UNIQUE_KEY_TAKEN`, `INVALID_OPTION`; `TRANSACTION_CONFLICT` where the job
   * changed its state again and again meanwhile.
   */
  async retry(id: string): Promise<Retried> {
    return (await this.parts()).revivals.retry(checkId(id));
  }

  /**
   * Runs ended jobs again, in batches of their own transactions: those that failed, or of the states that the filter names
   * (`expired` only so, or by `errorKey`). What the dry run counts may have changed a moment later. `signal` ends it between two batches.
   * @throws QueueError `INVALID_OPTION`; what was revived before an error of the database stays so, and a repeat goes on.
   */
  async redrive(filter: JobFilter, options: RedriveOptions = {}): Promise<RedriveCounts> {
    const given = [taken(filter), taken(options)] as const;
    return (await this.parts()).revivals.redrive(...given);
  }

  /**
   * Ends live jobs by filter, in batches of their own transactions: what waits at once, what runs is asked to stop. What the dry run counts
   * may have changed a moment later. `signal` ends it between two batches. @throws QueueError `INVALID_OPTION`, also for an empty filter.
   */
  async cancel(filter: JobFilter, options: CancelOptions = {}): Promise<CancelCounts> {
    const given = [taken(filter), taken(options)] as const;
    return (await this.parts()).cancels.cancel(...given);
  }

  /**
   * Gives a waiting job another time, priority or payload, as `QueueService.change` does; and a dead letter another payload or priority,
   * for the `retry` that follows. What runs, has succeeded or was cancelled stays as it is.
   * @throws QueueError `INVALID_OPTION`, `INVALID_PAYLOAD`, `PAYLOAD_TOO_LARGE`, `LIMIT_KEY_INVALID`; `TRANSACTION_CONFLICT` where it moved again and again.
   */
  async change(id: string, changes: JobChanges): Promise<ChangeAnswer> {
    const checked = checkChanges(changes, this.options);
    const selector = { id: checkId(id), changed: givenIn(changes) };
    return (await this.parts()).acts.act('change', selector, async () => {
      const { changes, database, signals } = this.storage;
      const { signal, ...answer } = await changes.changeAlsoDead(database.waiters.run, checkId(id), checked); // prettier-ignore
      if (signal) signals.send(signal);
      return answer;
    });
  }

  /**
   * Deletes waiting and ended jobs for good, in batches of their own transactions; what runs is left. Nothing remembers them: an id
   * of the caller's may be enqueued again. `signal` ends it between two batches. @throws QueueError `INVALID_OPTION`, also for an empty filter.
   */
  async purge(filter: JobFilter, options: PurgeOptions = {}): Promise<PurgeCounts> {
    const given = [taken(filter), taken(options)] as const;
    return (await this.parts()).purges.purge(...given);
  }

  /**
   * Lets an ordered group go on behind the job that failed for good and blocks it, or halts its queue; without `group` a queue that is ordered
   * as a whole. The job stays in the dead letter queue. Returns its id, or undefined where no dead job blocks the group.
   * @throws QueueError `INVALID_NAME`, `INVALID_OPTION`.
   */
  async releaseGroup(queue: string, group = ''): Promise<string | undefined> {
    if (group !== '') checkGroup('releaseGroup', group);
    const selector = { queue: checkQueueName(queue), group };
    const work = async () => ({
      released: (await this.storage.groups.release(queue, group)) ?? null,
    });
    const { acts } = await this.parts();
    const { released } = await acts.act('release', selector, work);
    if (released) this.storage.signals.send({ lanes: [], later: true });
    return released ?? undefined;
  }

  /**
   * Ordered groups that a job which failed for good blocks, of all queues or one, the longest blocked first, 1,000 at most. Retry or purge the
   * job, or `releaseGroup`; a group goes on by itself when its job is no longer kept. @throws QueueError `INVALID_NAME`.
   */
  async blockedGroups(queue?: string): Promise<BlockedGroup[]> {
    return (await this.parts()).overview.blockedGroups(
      queue === undefined ? undefined : checkQueueName(queue),
    );
  }

  /** Every process that holds a lease, or that serves this queue, the oldest first, 1,000 at most. @throws QueueError `INVALID_NAME`. */
  async workers(queue?: string): Promise<WorkerSummary[]> {
    return (await this.parts()).overview.workers(
      queue === undefined ? undefined : checkQueueName(queue),
    );
  }

  /**
   * What workers counted, step by step: runs that began, how they ended, and how long jobs waited and ran. A worker writes it once per minute,
   * so the last minute is not whole, and a process that is killed takes it along. @throws QueueError `INVALID_OPTION`, `QUEUE_UNKNOWN`.
   */
  async series(options: SeriesOptions = {}): Promise<Series> {
    const { tallies, overview } = await this.parts();
    return tallies.series(options, (queue) => overview.unknownQueue(queue));
  }

  /** The queues that began most runs in some time, with the same sums. @throws QueueError `INVALID_OPTION`. */
  async busiest(options: BusiestOptions = {}): Promise<BusyQueue[]> {
    return (await this.parts()).tallies.busiest(options);
  }

  /** Every limit across the fleet by name, with who shares in it, 1,000 at most. */
  async limits(): Promise<LimitSummary[]> {
    return (await this.parts()).fleet.list();
  }

  /** Sets a limit of a queue or a named one: it overrules what processes declare, until `resetLimit`, and stops nothing. @throws QueueError `LIMIT_UNKNOWN`, `INVALID_OPTION`, `INVALID_NAME`. */
  async setLimit(name: string, change: LimitChange): Promise<void> {
    const given = taken(change);
    const { fleet } = await this.parts();
    await fleet.set(checkQueueName(name), given);
  }

  /** What processes declare of the queue or name holds again, also of its keys, within seconds where one of them lives, and a rest ends. @throws QueueError as `setLimit`. */
  async resetLimit(name: string, only: LimitPart = {}): Promise<void> {
    const { fleet } = await this.parts();
    await fleet.reset(checkQueueName(name), only);
  }

  /** Takes away what no live process declares any more, also of its keys. @throws QueueError `LIMIT_IN_USE`, and as `setLimit`. */
  async removeLimit(name: string, only: LimitPart = {}): Promise<void> {
    const { fleet } = await this.parts();
    await fleet.remove(checkQueueName(name), only);
  }

  /** Why this job is not running, as codes and in words. An unknown id is a reason, too. @throws QueueError `INVALID_OPTION`. */
  async explain(id: string): Promise<Explanation> {
    return (await this.parts()).explanations.explain(checkId(id));
  }

  /** Loaded by the first call: a process that only enqueues creates none. */
  private parts(): Promise<AdminParts> {
    const load = async () =>
      (await import('./admin-parts.js')).adminParts(this.storage, this.options, this.actor);
    return (this.loading ??= load());
  }
}
