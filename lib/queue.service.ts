import { Enqueuer } from './enqueue/enqueuer.js';
import { checkObject, checkText } from './enqueue/new-job.js';
import type {
  CancelCounts,
  CancelSelector,
  EnqueueItem,
  EnqueueOptions,
  Enqueued,
  InTransaction,
} from './job/enqueue-options.js';
import type { FoundJob } from './job/job.js';
import { checkId, checkQueueName } from './job/names.js';
import { QueueError } from './job/queue.errors.js';
import type { QueueEvents } from './observability/events.js';
import type { ResolvedOptions } from './simple-queue.options.js';
import type { Run } from './storage/database.js';
import { archiveRetention, type Retention } from './storage/retention.js';
import type { Storage } from './storage/storage.js';

/** What applications inject: enqueues, cancels and finds jobs. */
export class QueueService {
  private readonly enqueuer: Enqueuer;
  private readonly archive: Retention;

  constructor(
    private readonly storage: Storage,
    options: ResolvedOptions,
    events: QueueEvents,
  ) {
    this.enqueuer = new Enqueuer(storage, options, events);
    this.archive = archiveRetention(options);
  }

  /**
   * Stores a job. With `manager` (or inside an ambient transaction) it exists if and only if that transaction commits.
   * @throws QueueError `INVALID_PAYLOAD`, `PAYLOAD_TOO_LARGE`, `INVALID_OPTION`, `INVALID_NAME`, `MANAGER_FOREIGN`, `MANAGER_INACTIVE`, `CLOSED`;
   * `DATABASE_UNAVAILABLE` when the answer did not arrive (give an `id` to make a repeat safe).
   */
  async enqueue(queue: string, payload: unknown, options: EnqueueOptions = {}): Promise<Enqueued> {
    checkObject('options', options);
    const { manager, ...job } = options;
    return this.enqueuer.enqueue(queue, { payload, ...job }, { manager });
  }

  /**
   * Stores many jobs of one queue, all or none. Answers for each item in place; one that is known already fails nobody.
   * Without a transaction, more than 5,000 items that have no id, key or time are read while the batch is being stored: leave their
   * payloads as they are until the promise settles.
   * @throws QueueError as `enqueue`, naming the item.
   */
  async enqueueMany(queue: string, items: EnqueueItem[], options: InTransaction = {}): Promise<Enqueued[]> {
    return this.enqueuer.enqueueMany(queue, items, options);
  }

  /**
   * Cancels by `id`, by `queue` and `uniqueKey`, or by `fingerprint` (of one `queue` or all). What waits ends at once; what runs
   * is asked to stop: its signal aborts within a second; a success that commits first wins. What has ended is left alone.
   * @throws QueueError `INVALID_OPTION` when not exactly one selector is given.
   */
  async cancel(selector: CancelSelector, options: InTransaction = {}): Promise<CancelCounts> {
    const manager = this.enqueuer.transactionOf(options);
    const run = manager ? this.storage.database.in(manager) : this.storage.database.callers.run;
    const counts = await this.cancelBy(run, selector);
    if (counts.requested > 0)
      this.storage.signals.send({ lanes: [], cancel: true }, manager && this.storage.database.runnerOf(manager));
    return counts;
  }

  /** The job wherever it is: live, archive or dead letter; undefined when it is unknown or no longer kept. */
  async find<Payload = unknown, Output = unknown>(
    id: string,
    options: InTransaction = {},
  ): Promise<FoundJob<Payload, Output> | undefined> {
    const manager = this.enqueuer.transactionOf(options);
    const run = manager ? this.storage.database.in(manager) : this.storage.database.callers.run;
    return (await this.storage.jobs.find(checkId(id), run)) as FoundJob<Payload, Output> | undefined;
  }

  private async cancelBy(run: Run, selector: CancelSelector): Promise<CancelCounts> {
    const { id, uniqueKey, fingerprint, queue } = checkSelector(selector);
    if (id !== undefined) return this.storage.jobs.cancelById(run, [checkId(id)], this.archive);
    if (uniqueKey !== undefined) return this.storage.jobs.cancelByUniqueKey(run, { uniqueKey, queue: queue! }, this.archive);
    return this.storage.jobs.cancelByFingerprint(run, { fingerprint: fingerprint!, queue }, this.archive);
  }
}

/** Also asked by the recording service of the test kit. */
export function checkSelector(selector: CancelSelector): CancelSelector {
  checkObject('the selector of cancel', selector);
  const { id, uniqueKey, fingerprint, queue } = selector;
  if ([id, uniqueKey, fingerprint].filter((value) => value !== undefined).length !== 1) {
    throw new QueueError('INVALID_OPTION', 'cancel: give exactly one of id, uniqueKey (with its queue) or fingerprint.');
  }
  if (uniqueKey !== undefined && queue === undefined) {
    throw new QueueError('INVALID_OPTION', 'cancel: a uniqueKey belongs to a queue. Give { queue, uniqueKey }.');
  }
  if (queue !== undefined) checkQueueName(queue);
  if (uniqueKey !== undefined) checkText('uniqueKey', uniqueKey);
  if (fingerprint !== undefined) checkText('fingerprint', fingerprint);
  return selector;
}
