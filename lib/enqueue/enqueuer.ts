import type {
  BackPressure,
  Enqueued,
  EnqueueItem,
  EnqueueOutcome,
} from '../job/enqueue-options.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import { Uuid7 } from '../runtime/uuid7.js';
import { wallTime } from '../runtime/wall-clock.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { NewJob } from '../job/new-job.js';
import { isHeld } from '../storage/enqueue/held-jobs.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import type { Run } from '../storage/connection/connections.js';
import type { Lane } from '../job/lane.js';
import type { Storage } from '../storage/storage.js';
import { capturedItem } from './captured-item.js';
import { refuseCircles } from './circles.js';
import { checkMaxPending, refuseMixedKeys } from './conflict-rules.js';
import { captured, traced, type Travelling } from './headers.js';
import { isLarge, LargeBatch } from './large-batch.js';
import { checkedJob, checkObject, type CheckedJob, type JobLimits } from './new-job.js';
import { refuseSpooled } from './on-disk.js';
import { checkItems } from './option-checks.js';
import { SharedInserts } from './shared-inserts.js';
import { signalOf } from './signal-of.js';
import { spoolWay, type SpoolWay } from './spool-way.js';

type Headers = Record<string, string>;
/** What holds for all jobs of a call. */
type Call = BackPressure & { joined?: Joined | undefined };
/** Who hears the id of a checked job. */
type Hearer = { onChecked?: (id: string) => void };

/** From a call to stored jobs: checks, lanes, the transaction to join or a shared one, wake-ups. */
export class Enqueuer {
  private readonly ids = new Uuid7();
  private readonly shared: SharedInserts;
  private readonly limits: JobLimits;
  private readonly policies: QueuePolicies;
  /** Only with the option `spool`. */
  private readonly spooling: SpoolWay | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {
    this.limits = { maxPayloadBytes: options.maxPayloadBytes, newId: () => this.ids.next() };
    this.policies = new QueuePolicies(options);
    this.shared = new SharedInserts(storage);
    this.spooling = spoolWay(storage, options, events);
  }

  /** `onChecked` hears the id before anything is written, so that somebody can listen for the end of the job. */
  enqueue(
    queue: string,
    item: EnqueueItem,
    call: Call,
    onChecked?: (id: string) => void,
  ): Promise<Enqueued> {
    const { telemetry } = this.options;
    if (!telemetry?.enqueue) return this.stored(queue, item, call, { onChecked });
    let given = item;
    return traced(
      telemetry,
      { queue, jobs: 1 },
      {
        store: async (headers) => this.store(queue, given, call, { onChecked, traced: headers }),
        capture: () => (given = capturedItem(item)),
      },
    );
  }

  async enqueueMany(queue: string, items: EnqueueItem[], call: Call): Promise<Enqueued[]> {
    checkItems(items);
    const { telemetry } = this.options;
    if (!telemetry?.enqueue) return this.storeMany(queue, items, call);
    let given = items;
    return traced(
      telemetry,
      { queue, jobs: items.length },
      {
        store: (headers) => this.storeMany(queue, given, call, headers),
        capture: () => (given = items.map(capturedItem)),
      },
    );
  }

  /** A mistake in the call rejects as well; a function that is async would cost three promises. */
  private stored(...call: Parameters<Enqueuer['store']>): Promise<Enqueued> {
    try {
      return this.store(...call);
    } catch (error) {
      return refused(error);
    }
  }

  private store(
    queue: string,
    item: EnqueueItem,
    call: Call,
    by: Travelling & Hearer,
  ): Promise<Enqueued> {
    const limits = this.limitsOf(queue, by.traced);
    const checked = this.limited(this.checkedJob(queue, item, limits), this.limitOf(queue, call));
    const { joined } = call;
    const store = () => this.storeChecked(checked, joined, by);
    // Whoever waits for the end of a job has to learn that the database is away.
    if (!this.spooling || joined || by.onChecked) return store().then(only);
    return this.spooling.through([checked], store).then(only);
  }

  private storeChecked(
    checked: CheckedJob,
    joined: Joined | undefined,
    by: Hearer,
  ): Promise<Enqueued[]> {
    if (!joined && !checked.lane)
      return this.withLanes([checked]).then(() => this.storeChecked(checked, joined, by));
    by.onChecked?.(checked.id);
    return !joined && isShared(checked)
      ? this.insertShared(checked as NewJob)
      : this.insert([checked], joined);
  }

  private async storeMany(
    queue: string,
    items: EnqueueItem[],
    call: Call,
    headers?: Headers,
  ): Promise<Enqueued[]> {
    const { joined } = call;
    const limit = this.limitOf(queue, call);
    const limits = this.limitsOf(queue, headers);
    if (!joined && limit === undefined && isPlainQueue(limits) && this.isLarge(items))
      return this.enqueueLarge(queue, items, limits);
    const checked = Array.from(items, (item, index) =>
      this.limited(this.checkedItem(queue, item, { index, limits }), limit),
    );
    refuseMixedKeys(checked);
    refuseCircles(checked);
    if (checked.length === 0) return [];
    const store = () => this.insert(checked, joined);
    return joined ? store() : this.through(checked, store);
  }

  private through(checked: CheckedJob[], store: () => Promise<Enqueued[]>): Promise<Enqueued[]> {
    return this.spooling ? this.spooling.through(checked, store) : store();
  }

  /** What goes to the disk is read whole. */
  private isLarge(items: EnqueueItem[]): boolean {
    return !this.storage.spool?.isBehind && isLarge(items);
  }

  private async enqueueLarge(
    queue: string,
    items: EnqueueItem[],
    limits: JobLimits,
  ): Promise<Enqueued[]> {
    const batch = new LargeBatch(items, {
      check: (item, index) => this.checkedItem(queue, item, { index, limits }),
      register: (jobs) => this.storage.lanes.give(jobs),
    });
    const [since, at] = [performance.now(), wallTime()];
    try {
      await this.storage.enqueues.insertChunks(batch.chunks());
    } catch (error) {
      if (!this.spooling) throw error;
      return this.spooling.afterFailure(this.readAgain(queue, items, { batch, limits }), error, at); // prettier-ignore
    }
    this.storage.signals.send({ lanes: idsOf(batch.lanes) }, undefined, since);
    this.tell(batch.lanes, batch.answers);
    return batch.answers;
  }

  /** Of a large batch only the ids are kept. */
  private readAgain(
    queue: string,
    items: EnqueueItem[],
    { batch, limits }: { batch: LargeBatch; limits: JobLimits },
  ): CheckedJob[] {
    return items.map((item, index) => {
      const job = this.checkedItem(queue, item, { index, limits });
      return Object.assign(job, { id: batch.answers[index]?.id ?? job.id });
    });
  }

  private checkedJob(queue: string, item: EnqueueItem, limits: JobLimits): CheckedJob {
    const job = checkedJob(queue, item.payload, item, limits);
    job.lane = this.storage.lanes.find(queue, job.name, job.labels);
    return job;
  }

  private checkedItem(
    queue: string,
    item: EnqueueItem,
    { index, limits }: { index: number; limits: JobLimits },
  ): CheckedJob {
    try {
      checkObject('an item', item);
      return this.checkedJob(queue, item, limits);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      throw new QueueError(error.code, `Item ${index}: ${error.message}`, { cause: error.cause });
    }
  }

  private limitOf(queue: string, call: Call): number | undefined {
    return checkMaxPending(call.maxPending) ?? this.policies.of(queue).maxPending;
  }

  private limited(job: CheckedJob, maxPending: number | undefined): CheckedJob {
    if (maxPending !== undefined) job.maxPending = maxPending;
    return job;
  }

  /** Of jobs whose lanes may have to be registered, and which may depend on others. */
  private ready<Next>(
    jobs: CheckedJob[],
    next: (jobs: NewJob[]) => Promise<Next>,
    within?: Run,
  ): Promise<Next> {
    const isReady = !this.storage.spool && jobs.every(({ lane }) => lane);
    return isReady ? next(jobs as NewJob[]) : this.withLanes(jobs, within).then(next);
  }

  private async withLanes(jobs: CheckedJob[], within?: Run): Promise<NewJob[]> {
    const { spool } = this.storage;
    if (spool) await refuseSpooled(spool, jobs.flatMap(({ dependsOn = [] }) => dependsOn)); // prettier-ignore
    await this.storage.lanes.give(jobs, within);
    return jobs as NewJob[];
  }

  /** What travels along is captured here, once per call, in the context of the caller. */
  private limitsOf(queue: string, headers?: Headers): JobLimits {
    const { ordered, fair, by } = this.policies.of(queue);
    const carried = captured(this.options.carriers);
    if (ordered || fair || by !== undefined || carried || headers)
      return { ...this.limits, ordered, fair, by, carried, traced: headers };
    return this.limits;
  }

  /** Concurrent callers share a statement, and its wake-up. */
  private async insertShared(job: NewJob): Promise<Enqueued[]> {
    const answers = [await this.shared.add(job)];
    this.tell([job.lane], answers);
    return answers;
  }

  /** In a transaction a call takes its place in the line first, and registers lanes there: a later call, whose lanes are known, stays behind it. */
  private async insert(checked: CheckedJob[], joined: Joined | undefined): Promise<Enqueued[]> {
    const { enqueues } = this.storage;
    const since = performance.now();
    const answers = joined
      ? await joined.alone((run) =>
          this.ready(checked, (jobs) => enqueues.insertIn(run, jobs), run),
        )
      : await this.ready(checked, (jobs) => enqueues.insert(jobs));
    const jobs = checked as NewJob[];
    const stored = jobs.filter((_, index) => STORED.has(answers[index]!.outcome));
    if (stored.length > 0) this.storage.signals.send(signalOf(stored), joined?.runner, since);
    this.tell(lanesOf(jobs), answers);
    return answers;
  }

  private tell(lanes: Lane[], answers: Enqueued[]): void {
    if (!this.events.hasListener('enqueued')) return;
    lanes.forEach(({ queue, name }, index) => {
      const { id, outcome } = answers[index]!;
      this.events.emit('enqueued', () => ({ id, queue, name, outcome }));
    });
  }
}

/** Its jobs wait for nothing but their time. */
const isPlainQueue = ({ ordered, fair, by }: JobLimits): boolean =>
  !ordered && !fair && by === undefined;

/** What may run now or later because of the call. */
const STORED: ReadonlySet<EnqueueOutcome> = new Set(['created', 'replaced', 'postponed']);

/** What may conflict keeps a statement of its own. */
const isShared = (job: CheckedJob): boolean =>
  job.uniqueKey === undefined && !job.givenId && !isHeld(job);

const refused = async (error: unknown): Promise<never> => {
  throw error;
};
const only = ([answer]: Enqueued[]): Enqueued => answer!;
const lanesOf = (jobs: NewJob[]): Lane[] => jobs.map((job) => job.lane);
const idsOf = (lanes: Lane[]): number[] => [...new Set(lanes.map((lane) => lane.id))];
