import { NEVER, type Observable } from 'rxjs';
import { eventsNamed } from '../observability/event-stream.js';
import type { QueueEventName } from '../observability/events.js';
import { checkCall, checkSelector } from '../enqueue/call-options.js';
import { capturedItem, capturedOptions } from '../enqueue/captured-item.js';
import { checkMaxPending } from '../enqueue/conflict-rules.js';
import { checkedJob } from '../enqueue/new-job.js';
import { checkItems, checkObject } from '../enqueue/option-checks.js';
import { templatedItem, templatedItems } from '../enqueue/templated-item.js';
import { failureOf } from '../job/failure.js';
import { checkManager } from '../job/joining.js';
import type { JobEnd, WaitOptions, WaitTime } from '../job/job-end.js';
import { isTemplate, type GivenOf, type JobTarget, type OutputOf } from '../job/job-template.js';
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
} from '../job/enqueue-options.js';
import type { ChangeOptions, FindOptions } from '../job/job-template.js';
import type { FoundJob } from '../job/job.js';
import { QueueError } from '../job/queue.errors.js';
import { checkChanges } from '../options/job-changes.js';
import { soon } from '../job/values/schema-fit.js';
import { checkId } from '../job/names.js';
import type { QueueService } from '../queue.service.js';
import { Uuid7 } from '../runtime/uuid7.js';
import { checkTime, checkWait, endAs, foundAs } from '../waiting/read-as.js';
import { checkExpected, fits, isOf, type ExpectedJob } from './expected-job.js';
import { listed, wantedIn } from './job-lines.js';
import { change, foundOf, knownIn, matchesSelector, type RecordedJob } from './recorded-job.js';

type PublicOf<Class> = { [Member in keyof Class]: Class[Member] };

const OUTCOMES = {
  ignore: 'existing',
  replace: 'replaced',
  debounce: 'postponed',
  throttle: 'throttled',
} as const;
const MAX_PAYLOAD_BYTES = 1_024 * 1_024;

/**
 * A QueueService without a database: records what was enqueued, with the same checks, and remembers unique keys and ids. All its jobs
 * wait, and periods of throttled keys never end.
 * `Test.createTestingModule(...).overrideProvider(QueueService).useValue(new RecordingQueueService())`.
 */
export class RecordingQueueService implements PublicOf<QueueService> {
  /** All that was enqueued, in its order, with what was cancelled since. */
  readonly enqueued: RecordedJob[] = [];
  private readonly ids = new Uuid7();
  private readonly ends = new Map<string, Omit<JobEnd, 'id'>>();

  async enqueue<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: EnqueueOptions = {},
  ): Promise<Enqueued> {
    checkObject('options', options);
    const { manager, ...job } = options;
    if (manager !== undefined) checkManager(manager);
    const item = { payload, ...job };
    if (!isTemplate(target)) return this.record(target, item);
    return soon(templatedItem(target, item), (made) => this.record(target.queue, made));
  }

  /** All or none, as the real one. */
  async enqueueMany<Target extends JobTarget>(
    target: Target,
    items: EnqueueItem<GivenOf<Target>>[],
    options: EnqueueManyOptions = {},
  ): Promise<Enqueued[]> {
    checkCall('enqueueMany', options);
    checkItems(items);
    const { maxPending } = options;
    if (!isTemplate(target)) return this.recordAll(target, items, maxPending);
    return soon(templatedItems(target, items), (made) =>
      this.recordAll(target.queue, made, maxPending),
    );
  }

  private recordAll(queue: string, made: EnqueueItem[], maxPending?: number): Enqueued[] {
    const before = [...this.enqueued];
    try {
      return made.map((item) => this.record(queue, { ...item, maxPending }));
    } catch (error) {
      this.enqueued.length = 0;
      // One by one: a spread of more than some 120,000 is too much for a call.
      for (const job of before) this.enqueued.push(job);
      throw error;
    }
  }

  /** Ends at once as `willSucceed` or `willFail` said for its queue. */
  async enqueueAndWait<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    { timeoutMs, signal, onProgress, ...options }: Omit<JobOptions, 'timeoutMs'> & WaitTime = {},
  ): Promise<JobEnd<OutputOf<Target>>> {
    checkTime({ timeoutMs, signal, onProgress });
    const { id } = await this.enqueue(target, payload, options);
    return endAs(isTemplate(target) ? target : undefined, this.endOf(id));
  }

  /** Ends at once as `willSucceed` or `willFail` said for its queue. */
  async wait<Output = unknown>(
    id: string,
    options: WaitOptions<Output> = {},
  ): Promise<JobEnd<Output>> {
    return endAs(checkWait(options).as, this.endOf(id));
  }

  /** What those who wait for jobs of this queue or template get from now on. */
  willSucceed(target: JobTarget, output?: unknown): void {
    this.ends.set(keyOf(target), { state: 'succeeded', output });
  }

  /** The same for jobs that end badly. */
  willFail(target: JobTarget, error: unknown = new Error('failed')): void {
    this.ends.set(keyOf(target), { state: 'failed', error: failureOf(error) });
  }

  async cancel(selector: CancelSelector, options: InTransaction = {}): Promise<CancelCounts> {
    checkCall('cancel', options);
    checkSelector(selector);
    if (selector.id !== undefined) checkId(selector.id);
    const hit = this.enqueued.filter((job) => !job.cancelled && matchesSelector(job, selector));
    for (const job of hit) job.cancelled = true;
    return { cancelled: hit.length, requested: 0 };
  }

  async change<Payload>(
    id: string,
    changes: JobChanges<Payload>,
    options: ChangeOptions<Payload> = {},
  ): Promise<ChangeAnswer> {
    checkCall('change', options);
    checkChanges(changes, { maxPayloadBytes: MAX_PAYLOAD_BYTES });
    const kept = capturedItem(changes);
    const { payload } = kept;
    if (options.as && payload !== undefined) await templatedItem(options.as, { payload });
    const job = this.recorded(checkId(id));
    if (job && !job.cancelled) change(job, kept);
    return job
      ? { id, changed: !job.cancelled, state: foundOf(job).state }
      : { id, changed: false };
  }

  /** Nothing happens here. */
  events(...names: QueueEventName[]): Observable<never> {
    eventsNamed(names);
    return NEVER;
  }

  /** Of a staged job: its first commit or abort wins. Nothing expires here. */
  async commit(id: string, options: InTransaction = {}): Promise<CommitAnswer> {
    checkCall('commit', options);
    return this.decide(id, 'committed');
  }

  async abort(id: string, options: InTransaction = {}): Promise<CommitAnswer> {
    checkCall('abort', options);
    const answer = await this.decide(id, 'aborted');
    const job = this.recorded(id.toLowerCase());
    if (job && answer.won) job.cancelled = true;
    return answer;
  }

  async find<Payload = unknown, Output = unknown>(
    id: string,
    options: FindOptions<Payload, Output> = {},
  ): Promise<FoundJob<Payload, Output> | undefined> {
    checkCall('find', options);
    const { as } = options;
    const job = this.recorded(checkId(id));
    return (job && as ? await foundAs(as, foundOf(job)) : job && foundOf(job)) as
      FoundJob<Payload, Output> | undefined;
  }

  /** Jobs of a queue or template that are as expected, not cancelled unless `state` asks for it. */
  jobs<Target extends JobTarget>(
    target: Target,
    expected: ExpectedJob<GivenOf<Target>> = {},
  ): RecordedJob[] {
    checkExpected(expected);
    return this.enqueued.filter((job) => {
      const found = foundOf(job);
      return isOf(target, found) && fits(found, expected);
    });
  }

  /**
   * The first of them.
   * @throws Error that lists what was enqueued instead.
   */
  expectEnqueued<Target extends JobTarget>(
    target: Target,
    expected: ExpectedJob<GivenOf<Target>> = {},
  ): RecordedJob {
    const [job] = this.jobs(target, expected);
    if (job) return job;
    throw new Error(
      `Expected a job in ${wantedIn(target, expected)}. Enqueued:\n${listed(this.enqueued.map(foundOf))}`,
    );
  }

  /** Forgets everything, between two tests. */
  clear(): void {
    this.enqueued.length = 0;
    this.ends.clear();
  }

  private recorded(id: string): RecordedJob | undefined {
    return this.enqueued.find((job) => job.id === id);
  }

  private endOf(id: string): JobEnd {
    const job = this.recorded(checkId(id));
    if (!job) throw new QueueError('JOB_UNKNOWN', `Job ${id} was not enqueued here.`);
    if (job.cancelled) return { id, state: 'cancelled' };
    const end =
      this.ends.get(`${job.queue}\n${job.options.name ?? ''}`) ?? this.ends.get(job.queue);
    if (end) return { id, ...end } as JobEnd;
    throw new QueueError(
      'WAIT_TIMEOUT',
      `Nothing runs here. Say how jobs of "${job.queue}" end: willSucceed or willFail.`,
    );
  }

  private async decide(id: string, outcome: 'committed' | 'aborted'): Promise<CommitAnswer> {
    const job = await this.find(checkId(id));
    if (!job) return { outcome: 'unknown', won: false };
    const recorded = this.recorded(job.id)!;
    const known = job.state === 'cancelled' ? 'aborted' : 'committed';
    if (job.state !== 'staged') return { outcome: known, won: false, state: job.state };
    recorded.options = { ...recorded.options, staged: false, dependsOn: undefined };
    return {
      outcome,
      won: true,
      state: outcome === 'aborted' ? 'cancelled' : foundOf(recorded).state,
    };
  }

  private record(
    queue: string,
    { payload, maxPending, ...options }: EnqueueItem & BackPressure,
  ): Enqueued {
    checkMaxPending(maxPending);
    const checked = checkedJob(queue, payload, options, {
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      newId: () => this.ids.next(),
    });
    const known = knownIn(this.enqueued, queue, options);
    const job = {
      id: known?.id ?? checked.id,
      queue,
      payload: JSON.parse(checked.payload) as unknown,
      options: capturedOptions(options),
      cancelled: false,
    };
    if (known) return this.meet(known, job);
    if (maxPending !== undefined && this.waiting(queue) >= maxPending)
      throw full(queue, maxPending);
    this.enqueued.push(job);
    return { id: checked.id, created: true, outcome: 'created' };
  }

  private waiting(queue: string): number {
    return this.enqueued.filter((job) => job.queue === queue && !job.cancelled).length;
  }

  private meet(known: RecordedJob, job: RecordedJob): Enqueued {
    const outcome = OUTCOMES[job.options.onConflict ?? 'ignore'];
    if (outcome === 'replaced' || outcome === 'postponed')
      this.enqueued[this.enqueued.indexOf(known)] = job;
    return { id: known.id, created: false, outcome };
  }
}

function full(queue: string, maxPending: number): QueueError {
  return new QueueError(
    'QUEUE_FULL',
    `The job was refused: queue "${queue}" may hold ${maxPending} waiting jobs (maxPending).`,
  );
}

/** A template's own end goes before its queue's. */
const keyOf = (target: JobTarget): string =>
  isTemplate(target) ? `${target.queue}\n${target.name}` : target;
