import type { Backoff } from '../job/backoff.js';
import type { Failure } from '../job/failure.js';
import { Job } from '../job/job.js';
import { jobSchedule, type JobSchedule } from '../job/schedule.js';
import type { Lane } from '../job/lane.js';
import type { Outcome } from '../job/outcome.js';
import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import { attemptsOf, type QueuePolicy } from '../options/queue-policy.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import { bytesOf, dateOf, type ClaimedRow, type HeavyParts } from '../storage/claim/row-mapper.js';
import type { StoredOptions } from '../job/new-job.js';
import type { Handler } from '../handlers/handler-registry.js';

const MAX_INT = 2_147_483_647;
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
const NO_OPTIONS: StoredOptions = Object.freeze({});

/** A claimed batch: one row in the database, open until the last of its runs is settled. */
export interface Claim {
  readonly id: string;
  /** Runs that are not acknowledged yet. */
  open: number;
  /** Told when the last one is. */
  onEnd?: () => void;
}

/** What a run needs of the lane that it was claimed from. */
export interface RunLane extends Lane {
  readonly handler: Handler;
  readonly settings: QueuePolicy;
  /** The ends of its jobs are stored as jobs of another queue. */
  readonly hasOutcomes?: boolean;
  /** Turns of its ordered groups were passed on. */
  onTurnsPassed(): void;
}

/**
 * One run of a job: what its handler sees (`Job`) and what the worker knows of it. Nothing is parsed or allocated that the
 * handler does not ask for: at 100,000 jobs a second every object counts.
 */
export class JobRun<From extends RunLane = RunLane> extends Job {
  startedAt = 0;
  /** Its outcome was known; what it waits for the database afterwards is not its time. */
  endedAt = 0;
  /** Settled by timeout or release while its handler still runs: what that answers later changes nothing. */
  settled = false;
  /** Undoes the transaction in which its handler still runs: that can store nothing any more, and would keep its locks. */
  abandon: (() => void) | undefined;
  outcome: Outcome | undefined;
  /** `context.complete` succeeded in the handler's transaction; whether that committed only the database knows. */
  completed = false;
  /** What `context.complete` threw last. Unless another one has completed the run since, it is no success, whatever its handler returns. */
  uncompleted: unknown;
  /** That transaction is known to have committed: nothing is left to settle. */
  committed = false;
  /** A settle left and no answer came back: the next one may find the job gone by our own hand. */
  unsure = false;
  /** That its output was cut has been said. */
  cutTold = false;
  /** A checkpoint granted attempts in a transaction of the handler; whether that committed only the database knows. */
  mayBeGranted = false;
  /** Of its handler, with its last checkpoint or its completion: while it is open, it holds the job's row. */
  heldBy: Joined | undefined;
  private granted: number | undefined;
  private controller: AbortController | undefined;
  private reason: QueueError | undefined;
  private storedOptions: StoredOptions | undefined;
  private parsedPayload: unknown;
  private payloadRead = false;

  constructor(
    private readonly row: ClaimedRow,
    readonly lane: From,
    readonly claim: Claim,
  ) {
    super();
  }

  get id(): string {
    return this.row.id;
  }

  get epoch(): number {
    return this.row.epoch;
  }

  get queue(): string {
    return this.lane.queue;
  }

  get name(): string {
    return this.lane.name;
  }

  get laneId(): number {
    return this.lane.id;
  }

  get payload(): unknown {
    if (!this.payloadRead) {
      this.parsedPayload = this.row.payload === null ? null : JSON.parse(this.row.payload);
      this.payloadRead = true;
    }
    return this.parsedPayload;
  }

  /** Bytes that its claim left behind. */
  get weight(): number {
    return this.row.weight;
  }

  /** What was left behind is here. */
  fill(parts: HeavyParts): void {
    this.row.fill!(parts);
    this.storedOptions = undefined;
  }

  /** What a template's schema made of the payload takes its place. */
  takePayload(parsed: unknown): void {
    this.parsedPayload = parsed;
    this.payloadRead = true;
  }

  override get payloadBytes(): Buffer | undefined {
    return this.row.payloadBytes === null ? undefined : bytesOf(this.row.payloadBytes);
  }

  get priority(): number {
    return this.row.priority;
  }

  get attempt(): number {
    return this.row.spent + 1;
  }

  get maxAttempts(): number {
    return attemptsOf(this.policy, this.options, this.granted);
  }

  get backoff(): Backoff {
    return this.options.backoff ?? this.policy.backoff;
  }

  /** What holds where the job itself says nothing. */
  get policy(): QueuePolicy {
    return this.lane.settings;
  }

  /** Checkpoints have granted this many attempts in all. */
  grant(extraAttempts: number): void {
    this.granted = extraAttempts;
  }

  override get checkpoint(): unknown {
    return this.options.checkpoint;
  }

  override get schedule(): JobSchedule | undefined {
    return this.options.schedule && jobSchedule(this.options.schedule, this.createdAt);
  }

  get stalls(): number {
    return this.row.stalls;
  }

  get reschedules(): number {
    return this.row.reschedules;
  }

  /** NaN where somebody else wrote the row. */
  get rescheduledMs(): number {
    const { rescheduledSince } = this.options;
    return rescheduledSince === undefined ? 0 : this.runAt.getTime() - Date.parse(rescheduledSince);
  }

  get suspicion(): number {
    return this.row.suspicion;
  }

  get createdAt(): Date {
    return dateOf(this.row.createdAt);
  }

  get runAt(): Date {
    return dateOf(this.row.runAt);
  }

  /** Its cancel was requested before it was claimed. */
  get isCancelled(): boolean {
    return this.row.cancelled;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.options.headers ?? NO_HEADERS;
  }

  get labels(): readonly string[] {
    return this.lane.labels;
  }

  override get workflowId(): string | undefined {
    return this.options.workflowId;
  }

  override get uniqueKey(): string | undefined {
    return this.row.uniqueKey ?? undefined;
  }

  override get fingerprint(): string | undefined {
    return this.row.fingerprint ?? undefined;
  }

  override get group(): string | undefined {
    return this.options.group;
  }

  /** It stands in an ordered group: its success passes a turn on. */
  get isOrdered(): boolean {
    return this.row.options !== null && this.options.ordered === true;
  }

  /** Since when jobs of its ordered group run here one after another, without having stood where anybody could claim them. */
  get followsSince(): number {
    return this.row.follows?.since ?? this.startedAt;
  }

  /** How many those were. */
  get followed(): number {
    return this.row.follows?.jobs ?? 0;
  }

  /** How long those ran. */
  get followedMs(): number {
    return this.row.follows?.ranMs ?? 0;
  }

  /** The next job of its group, where it was read ahead. */
  get next(): ClaimedRow | undefined {
    return this.row.next;
  }

  /** It is a step of a workflow: its end is told to those that wait for it. */
  get isStep(): boolean {
    return this.row.options !== null && this.options.step !== undefined;
  }

  get isFair(): boolean {
    return this.row.options !== null && this.options.fair === true;
  }

  /** It has a permit of its key. */
  get isKeyed(): boolean {
    return this.row.options !== null && this.options.limitKey !== undefined;
  }

  /** Its end is stored as a job of another queue. */
  get hasOutcomes(): boolean {
    return this.lane.hasOutcomes === true;
  }

  /** It leaves more than its end: a turn, or a permit, that others wait for, or a job of another queue. */
  get handsOn(): boolean {
    return this.hasOutcomes || this.isOrdered || this.isKeyed;
  }

  override get lastError(): Failure | undefined {
    return this.row.lastError === null ? undefined : (JSON.parse(this.row.lastError) as Failure);
  }

  get options(): StoredOptions {
    this.storedOptions ??=
      this.row.options === null ? NO_OPTIONS : (JSON.parse(this.row.options) as StoredOptions);
    return this.storedOptions;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  /** Why the signal aborted, if it did. */
  get abortCode(): QueueErrorCode | undefined {
    return this.reason?.code;
  }

  /** The first reason stands. */
  abort(code: QueueErrorCode, message: string): void {
    if (this.reason) return;
    this.reason = new QueueError(code, message);
    this.controller?.abort(this.reason);
  }

  /** As far as its column reaches: 24 days. */
  get runMs(): number {
    return this.startedAt === 0
      ? 0
      : Math.min(Math.round((this.endedAt || performance.now()) - this.startedAt), MAX_INT);
  }
}
