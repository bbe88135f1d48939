import { BesideTransaction } from './enqueue/beside-transaction.js';
import { checkCall, checkSelector } from './enqueue/call-options.js';
import { Enqueuer } from './enqueue/enqueuer.js';
import { checkObject } from './enqueue/new-job.js';
import { refuseSpooled } from './enqueue/on-disk.js';
import { templatedItem, templatedItems } from './enqueue/templated-item.js';
import { TwoPhase } from './enqueue/two-phase.js';
import type {
  BackPressure,
  CancelCounts,
  CancelSelector,
  ChangeAnswer,
  CommitAnswer,
  EnqueueItem,
  EnqueueManyOptions,
  EnqueueOptions,
  Enqueued,
  InTransaction,
  JobChanges,
  JobOptions,
} from './job/enqueue-options.js';
import type { ChangeOptions, FindOptions } from './job/job-template.js';
import type { JobEnd, WaitOptions, WaitTime } from './job/job-end.js';
import { isTemplate, type GivenOf, type JobTarget, type OutputOf } from './job/job-template.js';
import type { FoundJob } from './job/job.js';
import { checkId, checkQueueName } from './job/names.js';
import { soon } from './job/values/schema-fit.js';
import { QueueError } from './job/queue.errors.js';
import type { Observable } from 'rxjs';
import { eventsNamed, eventStream, type QueueEvent } from './observability/event-stream.js';
import type { QueueEventBus, QueueEventName } from './observability/events.js';
import { checkChanges } from './options/job-changes.js';
import { QueuePolicies, type Retention } from './options/queue-policy.js';
import type { ResolvedOptions } from './options/simple-queue.options.js';
import type { Run } from './storage/connection/database.js';
import type { Joined } from './storage/connection/callers/joined.js';
import type { Storage } from './storage/storage.js';
import { wakeUpOfCancel } from './storage/wake-ups/wake-up.js';
import { checkTime, checkWait, endAs, foundAs } from './waiting/read-as.js';
import { Waits } from './waiting/waits.js';

/** What applications inject: enqueues, cancels and finds jobs, and waits for them. */
export class QueueService {
  private readonly enqueuer: Enqueuer;
  private readonly archive: Retention;
  private readonly waits: Waits;
  private readonly twoPhase: TwoPhase;
  private readonly beside: BesideTransaction | undefined;

  /** @internal The module makes it. */
  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly occurrences: QueueEventBus,
  ) {
    this.enqueuer = new Enqueuer(storage, options, occurrences);
    this.archive = new QueuePolicies(options).byQueue('archiveKeepMs');
    this.waits = new Waits(storage, options, occurrences);
    this.twoPhase = new TwoPhase(storage, this.archive);
    this.beside =
      storage.openTransactions && new BesideTransaction(storage.openTransactions, occurrences);
  }

  /**
   * Stores a job of a queue, or of a template (whose schema checks the payload). With `manager` (or inside an ambient transaction) it exists
   * if and only if that transaction commits.
   * @throws QueueError `INVALID_PAYLOAD`, `PAYLOAD_TOO_LARGE`, `INVALID_OPTION`, `INVALID_NAME`, `MANAGER_FOREIGN`, `MANAGER_INACTIVE`, `CLOSED`,
   * `QUEUE_FULL` and `ISOLATION_UNSUPPORTED` with `maxPending`; `DEPENDENCY_UNKNOWN`;
   * `DATABASE_UNAVAILABLE` when the answer did not arrive (give an `id` to make a repeat safe).
   */
  async enqueue<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: EnqueueOptions = {},
  ): Promise<Enqueued> {
    checkObject('options', options);
    const { manager, maxPending, ...job } = options;
    const item = { payload, ...job };
    const call = { joined: this.joined(target, { manager }), maxPending };
    if (!isTemplate(target)) return this.enqueuer.enqueue(target, item, call);
    const made = templatedItem(target, item);
    return soon(made, (checked) => this.enqueuer.enqueue(target.queue, checked, call));
  }

  /**
   * Stores many jobs of one queue or template, all or none. Returns one result per item, in their order; one that is known already fails nobody.
   * Without a transaction, more than 5,000 plain items (no id, key or time) are read while the batch is being stored: leave their payloads
   * as they are until the promise settles.
   * @throws QueueError as `enqueue`, naming the item.
   */
  async enqueueMany<Target extends JobTarget>(
    target: Target,
    items: EnqueueItem<GivenOf<Target>>[],
    options: EnqueueManyOptions = {},
  ): Promise<Enqueued[]> {
    checkCall('enqueueMany', options);
    const call = { joined: this.joined(target, options), maxPending: options.maxPending };
    if (!isTemplate(target)) return this.enqueuer.enqueueMany(target, items, call);
    const made = templatedItems(target, items);
    return soon(made, (checked) => this.enqueuer.enqueueMany(target.queue, checked, call));
  }

  /**
   * Stores a job and waits for its end, in whatever process that comes; `timeoutMs` is the time for both. Not inside a transaction:
   * nobody could run the job before it commits.
   * @throws QueueError as `enqueue` and `wait`, and `WAIT_IN_TRANSACTION`; what is refused has stored nothing. `DATABASE_UNAVAILABLE` also where
   * the time was over before the database had acknowledged the job.
   */
  async enqueueAndWait<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: Omit<JobOptions, 'timeoutMs'> & BackPressure & WaitTime = {},
  ): Promise<JobEnd<OutputOf<Target>>> {
    checkObject('options', options);
    const { timeoutMs, signal, onProgress, manager, maxPending, ...job } =
      options as typeof options & InTransaction;
    const time = checkTime({ timeoutMs, signal, onProgress });
    if (this.joined(target, { manager })) throw waitsForItself();
    const template = isTemplate(target) ? target : undefined;
    const queue = template?.queue ?? checkQueueName(target);
    this.waits.refuseUnkept(queue);
    const given = { payload, ...job };
    const store = async (onChecked: (id: string) => void) =>
      soon(template ? templatedItem(template, given) : given, (item) =>
        this.enqueuer.enqueue(queue, item, { maxPending }, onChecked),
      );
    return endAs(template, await this.waits.afterwards(store, time));
  }

  /**
   * Waits for the end of a job, in whatever process that comes; a job that is retried has not ended. Returns at once when it has.
   * @throws QueueError `WAIT_TIMEOUT`, `WAIT_ABORTED`, `JOB_UNKNOWN`, `WAIT_REFUSED` (its queue has `archive: false`), `INVALID_OPTION`,
   * `INVALID_OUTPUT` (the output does not fit the template given as `as`), `CLOSED`.
   */
  async wait<Output = unknown>(
    id: string,
    options: WaitOptions<Output> = {},
  ): Promise<JobEnd<Output>> {
    checkObject('options', options, 'wait');
    const { as, ...time } = checkWait(options);
    return endAs(as, await this.waits.wait(checkId(id), time));
  }

  /**
   * Cancels by `id`, by `queue` and `uniqueKey`, by `queue` and `group`, or by `fingerprint` or `workflowId` (of one `queue` or all). What waits ends at once; what runs
   * is asked to stop: its signal aborts within a second; a success that commits first wins. What has ended is left alone.
   * @throws QueueError `INVALID_OPTION` when not exactly one selector is given.
   */
  async cancel(selector: CancelSelector, options: InTransaction = {}): Promise<CancelCounts> {
    checkCall('cancel', options);
    const { database, signals, spool } = this.storage;
    const wanted = { ...checkSelector(selector) };
    const { id } = wanted;
    const joined = database.transactionOf(options);
    // Without a spool nothing is waited for: the call is under way at once, whatever becomes of its transaction.
    if (spool && id !== undefined) await refuseSpooled(spool, [checkId(id)]);
    const counts = await database.within(
      joined,
      (run) => this.cancelBy(run, wanted),
      database.waiters,
    );
    const news = wakeUpOfCancel(counts);
    if (news) signals.send(news, joined?.runner);
    if (counts.cancelled > 0) this.tellWaiters(id, joined);
    return counts;
  }

  /**
   * Gives a waiting job another time, priority or payload, under its id and with its attempts; a staged or blocked one keeps its place. What runs
   * or has ended stays as it is: `changed` is false then, and `state` says why.
   * @throws QueueError `INVALID_OPTION`, also for a priority of a job of an ordered group; `INVALID_PAYLOAD`, `PAYLOAD_TOO_LARGE`,
   * `LIMIT_KEY_INVALID`; `TRANSACTION_CONFLICT` where it moved again and again.
   */
  async change<Payload = unknown>(
    id: string,
    changes: JobChanges<Payload>,
    options: ChangeOptions<Payload> = {},
  ): Promise<ChangeAnswer> {
    checkCall('change', options);
    if (options.as !== undefined && !isTemplate(options.as))
      throw new QueueError('INVALID_OPTION', 'change: as must be a job template (defineJob).');
    const checked = checkChanges(changes, this.options);
    const { database, changes: repository, signals, spool } = this.storage;
    const joined = database.transactionOf(options);
    if (spool) await refuseSpooled(spool, [checkId(id)]);
    if (options.as && changes.payload !== undefined)
      await templatedItem(options.as, { payload: changes.payload });
    const change = (run: Run) => repository.change(run, checkId(id), checked);
    const { signal, ...answer } = await database.within(joined, change, database.waiters);
    if (signal) signals.send(signal, joined?.runner);
    return answer;
  }

  /**
   * Lets a staged job run, now or when its time and its turn have come. Of `commit`, `abort` and the expiry exactly one decides, and each
   * caller learns which: the answer's `won` says whether it was this call.
   * @throws QueueError `INVALID_OPTION` for an id that is no UUID.
   */
  async commit(id: string, options: InTransaction = {}): Promise<CommitAnswer> {
    checkCall('commit', options);
    return this.twoPhase.commit(checkId(id), this.storage.database.transactionOf(options));
  }

  /** Ends a staged job, as `cancelled`, without running it; otherwise as `commit`. A job that was committed is left alone. */
  async abort(id: string, options: InTransaction = {}): Promise<CommitAnswer> {
    checkCall('abort', options);
    return this.twoPhase.abort(checkId(id), this.storage.database.transactionOf(options));
  }

  /**
   * The job wherever it is: live, archive or dead letter; undefined when it is unknown or no longer kept.
   * @throws QueueError `INVALID_PAYLOAD`, `INVALID_OUTPUT` when it does not fit the template given as `as`.
   */
  async find<Payload = unknown, Output = unknown>(
    id: string,
    options: FindOptions<Payload, Output> = {},
  ): Promise<FoundJob<Payload, Output> | undefined> {
    checkCall('find', options);
    const { database, jobs } = this.storage;
    const found = await database.within(database.transactionOf(options), (run) =>
      jobs.find(checkId(id), run),
    );
    return (found && options.as ? await foundAs(options.as, found) : found) as
      FoundJob<Payload, Output> | undefined;
  }

  /** Looked up when the call is made: a transaction that is over by the time a schema has ended must not let the job out. */
  private joined(target: JobTarget, options: InTransaction): Joined | undefined {
    const joined = this.storage.database.transactionOf(options);
    if (!joined) this.beside?.check(isTemplate(target) ? target.queue : target);
    return joined;
  }

  /**
   * What happens in this process, as a stream: the named events, or all. It listens while somebody is subscribed. An error that a subscriber
   * throws is its own, as everywhere in RxJS. Jobs of other processes are not in it.
   * @throws QueueError `INVALID_OPTION` for an event that there is not.
   */
  events<Name extends QueueEventName = QueueEventName>(
    ...names: Name[]
  ): Observable<QueueEvent<Name>> {
    return eventStream(this.occurrences, eventsNamed(names));
  }

  private tellWaiters(id: string | undefined, joined: Joined | undefined): void {
    const tell = () => this.waits.cancelled(id?.toLowerCase());
    if (joined) this.storage.signals.onCommit(joined.runner, tell);
    else tell();
  }

  private async cancelBy(run: Run, selector: CancelSelector): Promise<CancelCounts> {
    const { id, uniqueKey, fingerprint, workflowId, group, queue } = selector;
    if (id !== undefined) return this.storage.cancels.byId(run, [checkId(id)], this.archive);
    if (uniqueKey !== undefined)
      return this.storage.cancels.byUniqueKey(run, { uniqueKey, queue: queue! }, this.archive);
    if (workflowId !== undefined)
      return this.storage.cancels.byWorkflow(run, { workflowId, queue }, this.archive);
    if (group !== undefined)
      return this.storage.cancels.byGroup(run, { group, queue: queue! }, this.archive);
    return this.storage.cancels.byFingerprint(
      run,
      { fingerprint: fingerprint!, queue },
      this.archive,
    );
  }
}

function waitsForItself(): QueueError {
  return new QueueError(
    'WAIT_IN_TRANSACTION',
    'enqueueAndWait was called inside a transaction: the job runs only after it commits, so it would wait for itself. Enqueue in the transaction, and wait(id) after its commit.',
  );
}
