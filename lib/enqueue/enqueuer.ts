import type { EntityManager, QueryRunner } from 'typeorm';
import type { Enqueued, EnqueueItem, EnqueueManyOptions, EnqueueOutcome, InTransaction } from '../job/enqueue-options.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEvents } from '../observability/events.js';
import { Coalescer } from '../runtime/coalescer.js';
import { Uuid7 } from '../runtime/uuid7.js';
import type { ResolvedOptions } from '../simple-queue.options.js';
import type { NewJob } from '../storage/enqueue.repository.js';
import type { Storage } from '../storage/storage.js';
import { checkMaxPending, refuseMixedKeys } from './conflict-rules.js';
import { checkedJob, checkObject, type CheckedJob } from './new-job.js';

/** From a call to stored jobs: checks, lanes, the caller's transaction or a shared one, wake-ups. */
export class Enqueuer {
  private readonly ids = new Uuid7();
  private readonly coalescer: Coalescer<NewJob, Enqueued>;
  private readonly limits: { maxPayloadBytes: number; newId: () => string };

  constructor(
    private readonly storage: Storage,
    private readonly options: Pick<ResolvedOptions, 'maxPayloadBytes' | 'queues' | 'transaction'>,
    private readonly events: QueueEvents,
  ) {
    this.limits = { maxPayloadBytes: options.maxPayloadBytes, newId: () => this.ids.next() };
    this.coalescer = new Coalescer((jobs) => storage.enqueues.insert(jobs), {
      maxItems: 1_000,
      maxFlights: 2,
      isShared: (error) => error instanceof QueueError && error.code !== 'DATABASE_ERROR',
    });
  }

  /** `onChecked` hears the id before anything is written, so that somebody can listen for the end of the job. */
  async enqueue(queue: string, item: EnqueueItem, call: EnqueueManyOptions, onChecked?: (id: string) => void): Promise<Enqueued> {
    const { payload, ...options } = item;
    const job = await this.withLane(this.limited(checkedJob(queue, payload, options, this.limits), call));
    onChecked?.(job.id);
    const manager = this.transactionOf(call);
    const [answer] = manager ? await this.insertIn(manager, [job]) : [await this.insertAlone(job)];
    this.announce([job], [answer!], manager);
    return answer!;
  }

  async enqueueMany(queue: string, items: EnqueueItem[], call: EnqueueManyOptions): Promise<Enqueued[]> {
    const checked = items.map((item, index) => this.limited(this.checkedItem(queue, item, index), call));
    refuseMixedKeys(checked);
    const jobs: NewJob[] = [];
    for (const job of checked) jobs.push(await this.withLane(job));
    if (jobs.length === 0) return [];
    const manager = this.transactionOf(call);
    const answers = manager ? await this.insertIn(manager, jobs) : await this.storage.enqueues.insert(jobs);
    this.announce(jobs, answers, manager);
    return answers;
  }

  /** The transaction to join: the given one, the resolver's, or one that TypeORM itself is in (typeorm-transactional). */
  transactionOf({ manager }: InTransaction): EntityManager | QueryRunner | undefined {
    if (manager) return manager;
    const resolved = this.options.transaction?.();
    if (resolved?.queryRunner?.isTransactionActive) return resolved;
    const ambient = this.storage.database.dataSource.manager;
    return ambient.queryRunner?.isTransactionActive ? ambient : undefined;
  }

  private checkedItem(queue: string, item: EnqueueItem, index: number): CheckedJob {
    try {
      checkObject('an item', item);
      const { payload, ...options } = item;
      return checkedJob(queue, payload, options, this.limits);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      throw new QueueError(error.code, `Item ${index}: ${error.message}`, { cause: error.cause });
    }
  }

  private limited(job: CheckedJob, call: EnqueueManyOptions): CheckedJob {
    const given = checkMaxPending(call.maxPending);
    const maxPending = given ?? this.options.queues.get(job.queue)?.maxPending;
    return maxPending === undefined ? job : { ...job, maxPending };
  }

  private async withLane(job: CheckedJob): Promise<NewJob> {
    const lanes = this.storage.lanes;
    const lane = lanes.find(job.queue, job.name, job.labels) ?? (await lanes.of(job.queue, job.name, job.labels));
    return Object.assign(job, { lane });
  }

  /** Plain items of concurrent callers share a statement; what may conflict keeps a statement of its own. */
  private async insertAlone(job: NewJob): Promise<Enqueued> {
    if (job.uniqueKey === undefined && !job.givenId && job.maxPending === undefined) return this.coalescer.add(job);
    return (await this.storage.enqueues.insert([job]))[0]!;
  }

  private insertIn(manager: EntityManager | QueryRunner, jobs: NewJob[]): Promise<Enqueued[]> {
    return this.storage.enqueues.insertIn(this.storage.database.in(manager), jobs);
  }

  private announce(jobs: NewJob[], answers: Enqueued[], manager?: EntityManager | QueryRunner): void {
    const stored = jobs.filter((_, index) => STORED.has(answers[index]!.outcome));
    if (stored.length > 0) this.wake(stored, manager);
    if (!this.events.hasListener('enqueued')) return;
    jobs.forEach((job, index) => this.tell(job, answers[index]!));
  }

  private wake(jobs: NewJob[], manager?: EntityManager | QueryRunner): void {
    const now = jobs.filter((job) => !isLater(job));
    const signal = { lanes: [...new Set(now.map((job) => job.lane.id))], later: now.length < jobs.length };
    this.storage.signals.send(signal, manager && this.storage.database.runnerOf(manager));
  }

  private tell({ lane }: NewJob, { id, outcome }: Enqueued): void {
    this.events.emit('enqueued', () => ({ id, queue: lane.queue, name: lane.name, outcome }));
  }
}

/** What may run now or later because of the call. */
const STORED: ReadonlySet<EnqueueOutcome> = new Set(['created', 'replaced', 'postponed']);

/** Decides only whom to wake; when a job is due, the database's clock says. */
const isLater = (job: NewJob): boolean => (job.delayMs ?? 0) > 0 || (job.at !== undefined && job.at.getTime() > Date.now());
