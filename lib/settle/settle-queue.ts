import { CANCELLED, type Outcome } from '../job/outcome.js';
import { DatabaseError, timedOut } from '../storage/connection/database-errors.js';
import { Pace } from '../runtime/pace.js';
import type { FindRepository } from '../storage/reading/find.repository.js';
import type { Success } from '../storage/settle/ended-run.js';
import { Grants } from './grants.js';
import type { LateAnswers } from './late-answers.js';
import type { Strays } from './strays.js';
import { Successes, type Followers, type SuccessesParts } from './successes.js';
import type { RunReports } from '../observability/run-reports.js';
import type { JobRun } from '../run/job-run.js';
import { oneRunAJob, thatFit, type Settling } from './settling.js';
import {
  afterCompletion,
  buriedAs,
  burialOf,
  isEnding,
  isGoing,
  plainOutcome,
  returnOf,
  unreadable,
  type Going,
} from './commands.js';

export interface SettleQueueParts extends SuccessesParts {
  jobs: FindRepository;
  reports: RunReports;
  late: LateAnswers;
  strays: Strays;
  successOf: (settling: Settling) => Success;
  queryTimeoutMs?: number;
  /** Something waits to be settled. */
  onWork: () => void;
  /** A job was put back. */
  onReturn: (run: JobRun, outcome: Going) => void;
}

type Way = [belongs: (entry: Settling) => boolean, settle: (part: Settling[]) => Promise<void>];

/** Of successes: each has a statement of its own. */
const KINDS = [
  { handsOn: false, isStep: false },
  { handsOn: true, isStep: false },
  { handsOn: false, isStep: true },
  { handsOn: true, isStep: true },
] as const;

const MAX_BATCH = 500;
/** Too few to be shared. */
const FEW = 50;
/** A job that somebody holds locked is asked for again after this. */
const LOCKED_REST_MS = 200;

/** SQLSTATE of a lock that was not to be had in time. */
const LOCKED = '55P03';

/** Settles what cannot ride in the poller's statement: puts back what runs again, buries what ended badly, and successes refused there. */
export class SettleQueue {
  private waiting: Settling[] = [];
  /** Left and not answered yet; of two rounds side by side, where ordered groups drain. */
  private readonly underWay = new Set<Settling>();

  private readonly ways: [
    belongs: (entry: Settling) => boolean,
    settle: (part: Settling[]) => Promise<void>,
  ][] = [
    [({ outcome }) => isGoing(outcome), (part) => this.putBack(part)],
    [({ outcome }) => isEnding(outcome), (part) => this.bury(part)],
    ...KINDS.map((kind): Way => [
      ({ run, outcome }) =>
        outcome.kind === 'succeeded' && run.handsOn === kind.handsOn && run.isStep === kind.isStep,
      (part) => this.succeed(kind, part),
    ]),
  ];

  private readonly grants: Grants;
  private readonly successes: Successes;
  private readonly pace: Pace;

  constructor(private readonly parts: SettleQueueParts) {
    this.pace = new Pace(parts.queryTimeoutMs ?? Infinity);
    this.grants = new Grants(parts.jobs);
    this.successes = new Successes(parts);
  }

  add(settling: Settling): void {
    this.waiting.push(settling);
    this.parts.onWork();
  }

  set followers(followers: Followers) {
    this.successes.followers = followers;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.underWay.size === 0 && this.parts.strays.isEmpty;
  }

  /** One round: everything that waits, and then what no run was made of. */
  async settle(): Promise<number> {
    const restMs = await this.settleRuns();
    return Math.min(restMs, await this.parts.strays.settle());
  }

  /** A way at a time. What could not be settled waits for the next round, whatever went wrong. */
  private async settleRuns(): Promise<number> {
    // What ends within one turn of the event loop leaves together.
    await new Promise(setImmediate);
    const batch = this.takeFitting();
    if (batch.length === 0) return Infinity;
    for (const entry of batch) this.underWay.add(entry);
    const open = (): Settling[] => batch.filter((entry) => this.underWay.has(entry));
    const sentAt = performance.now();
    try {
      await this.grants.apply(batch);
      await this.settleBatch(
        batch.some((entry) => entry.locked) ? await this.unlockedOf(batch) : batch,
      );
      this.pace.took(batch.length, performance.now() - sentAt);
      return open().length > 0 ? LOCKED_REST_MS : this.waiting.length > 0 ? 0 : Infinity;
    } catch (error) {
      for (const { run } of open()) run.unsure = true;
      if (timedOut(error)) this.pace.missed(batch.length);
      throw error;
    } finally {
      const again = open();
      this.waiting.push(...again);
      for (const entry of again) this.underWay.delete(entry);
    }
  }

  private takeFitting(): Settling[] {
    const most = Math.min(MAX_BATCH, this.pace.most, this.share);
    const { fitting, left } = thatFit(this.waiting, most, this.parts.successOf);
    const { latest, stale } = oneRunAJob(fitting);
    this.waiting = left.concat(stale);
    return latest.map(afterCompletion);
  }

  /** What waits where nothing is under way is shared by both loops. */
  private get share(): number {
    if (this.underWay.size > 0) return MAX_BATCH;
    return Math.max(FEW, Math.ceil(this.waiting.length / 2));
  }

  private async settleBatch(batch: Settling[]): Promise<void> {
    let refusal: DatabaseError | undefined;
    for (const [belongs, settle] of this.ways)
      refusal = (await this.orApart(batch.filter(belongs), settle)) ?? refusal;
    if (refusal) throw refusal;
  }

  /**
   * A batch that runs into a lock is settled without what is locked; one that is refused otherwise, one by one. Answers a refusal that
   * waiting will not mend, after everything else was settled.
   */
  private async orApart(
    batch: Settling[],
    settle: (part: Settling[]) => Promise<void>,
  ): Promise<DatabaseError | undefined> {
    if (batch.length === 0) return undefined;
    try {
      await settle(batch);
      return undefined;
    } catch (error) {
      if (!isAnswer(error) || (timedOut(error) && batch.length > 1)) throw error;
      if (error.sqlState === LOCKED) return this.settleUnlocked(batch, settle);
      if (batch.length === 1) return this.refused(batch[0]!, error);
    }
    let refusal: DatabaseError | undefined;
    for (const entry of batch) refusal = (await this.orApart([entry], settle)) ?? refusal;
    return refusal;
  }

  /** What is locked waits for a next round. */
  private async settleUnlocked(
    batch: Settling[],
    settle: (part: Settling[]) => Promise<void>,
  ): Promise<DatabaseError | undefined> {
    const unlocked = await this.unlockedOf(batch);
    return unlocked.length < batch.length ? this.orApart(unlocked, settle) : undefined;
  }

  private async unlockedOf(batch: Settling[]): Promise<Settling[]> {
    const unlocked = await this.parts.settleRepository.findUnlocked(batch.map(({ run }) => run.id));
    for (const entry of batch) entry.locked = !unlocked.has(entry.run.id);
    return batch.filter((entry) => !entry.locked);
  }

  /**
   * A value that cannot be stored is left out, so that no job can hang on what its handler answered. Where that is refused as well, it is
   * the row.
   */
  private async refused(entry: Settling, error: DatabaseError): Promise<DatabaseError | undefined> {
    if (!error.isOfRows) return error;
    if (entry.plain === 2 || (entry.plain === 1 && !('error' in entry.outcome)))
      return this.setApart(entry, error);
    entry.outcome = plainOutcome(entry.outcome, error, entry.plain === 1);
    entry.plain = entry.plain === 1 ? 2 : 1;
    entry.success = undefined;
    return undefined;
  }

  private async setApart(entry: Settling, { sqlState }: DatabaseError): Promise<undefined> {
    const { run } = entry;
    const outcome = unreadable(entry.outcome, sqlState!);
    const end = { keepMs: run.policy.deadLetterKeepMs, error: outcome.error };
    if (!(await this.parts.settleRepository.setApart(this.parts.worker, run, end)))
      return this.late(entry) as undefined;
    this.acknowledge(entry, outcome);
    this.successes.leave([entry]);
  }

  private async putBack(batch: Settling[]): Promise<void> {
    const answers = await this.parts.settleRepository.putBack(
      batch.map((entry) => returnOf(entry, this.parts.worker)),
    );
    const moved = new Map(answers.map((answer) => [answer.id, answer.moved]));
    for (const entry of batch) this.afterPutBack(entry, moved.get(entry.run.id));
    this.successes.leave(batch.filter(({ run }) => run.isKeyed));
  }

  private afterPutBack(entry: Settling, moved: boolean | undefined): void {
    if (moved === undefined) return this.late(entry);
    if (!moved) return this.endAsCancelled(entry);
    this.acknowledge(entry, entry.outcome);
    this.parts.onReturn(entry.run, entry.outcome as Going);
  }

  private async bury(batch: Settling[]): Promise<void> {
    const answers = await this.parts.settleRepository.bury(
      this.parts.worker,
      batch.map((entry) => burialOf(entry, this.parts.worker)),
    );
    const states = new Map(answers.map((answer) => [answer.id, answer.state]));
    for (const entry of batch) this.afterBurial(entry, states.get(entry.run.id));
    this.successes.leave(batch);
  }

  /** Its cancel was requested while it ran: it does not go back, it ends. */
  private endAsCancelled(entry: Settling): void {
    this.underWay.delete(entry);
    this.add({ run: entry.run, outcome: CANCELLED });
  }

  private afterBurial(entry: Settling, state: string | undefined): void {
    if (state === undefined) this.late(entry);
    else this.acknowledge(entry, buriedAs(entry.outcome, state));
    if (state !== undefined && state !== 'cancelled' && entry.run.isOrdered)
      this.parts.reports.jobDied(entry.run);
  }

  private async succeed(kind: (typeof KINDS)[number], batch: Settling[]): Promise<void> {
    const { lost, begin } = await this.successes.settle(kind, batch);
    const late = new Set(lost);
    for (const entry of batch) {
      if (late.has(entry.run.id)) this.late(entry);
      else this.acknowledge(entry, entry.outcome);
    }
    begin?.();
  }

  private acknowledge(entry: Settling, outcome: Outcome): void {
    this.close(entry);
    this.parts.reports.settled(entry.run, outcome);
  }

  /** No row: completed in the handler's own transaction, settled by a statement whose answer was lost, or reaped. */
  private late(entry: Settling): void {
    this.close(entry);
    this.parts.late.report(entry);
  }

  private close(entry: Settling): void {
    this.underWay.delete(entry);
    this.parts.claims.settled(entry.run.claim);
  }
}

const isAnswer = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && error.isRefusal;
