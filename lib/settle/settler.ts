import type { Outcome } from '../job/outcome.js';
import { Pace } from '../runtime/pace.js';
import { DatabaseError, timedOut } from '../storage/connection/database-errors.js';
import type { Success } from '../storage/settle/ended-run.js';
import { endedBy, type Claims } from './claims.js';
import type { JobRun } from '../run/job-run.js';
import type { LateAnswers } from './late-answers.js';
import type { RunReports } from '../observability/run-reports.js';
import { oneRunAJob, type Settling } from './settling.js';
import type { SettleQueue } from './settle-queue.js';

/** Successes that leave with one statement, and the claims that it may delete. */
export interface SettleBatch {
  settling: Settling[];
  successes: Success[];
  claims: string[];
}

interface SettlerParts {
  claims: Claims;
  reports: RunReports;
  late: LateAnswers;
  settleQueue: SettleQueue;
  successOf: (settling: Settling) => Success;
  queryTimeoutMs?: number;
  /** Successes wait for the next statement of the poller. */
  onSuccess: () => void;
}

const MAX_BATCH = 1_000;
/** Of outputs in one statement. */
const MAX_CHARACTERS = 256 * 1_024;

/** Collects what has become of runs: successes ride in the poller's statement, everything else (those of ordered groups and of steps, too) goes to the settle queue. */
export class Settler {
  private successes: Settling[] = [];
  private underWay = 0;
  private readonly pace: Pace;

  constructor(private readonly parts: SettlerParts) {
    this.pace = new Pace(parts.queryTimeoutMs ?? Infinity);
  }

  add(run: JobRun, outcome: Outcome): void {
    if (run.committed)
      return this.acknowledge({ run, outcome: outcome.kind === 'succeeded' ? outcome : DONE });
    if (outcome.kind !== 'succeeded' || run.completed || run.handsOn || run.isStep)
      return this.parts.settleQueue.add({ run, outcome });
    this.successes.push({ run, outcome });
    this.parts.onSuccess();
  }

  get isEmpty(): boolean {
    return this.hasNone && this.underWay === 0 && this.parts.settleQueue.isEmpty;
  }

  get hasNone(): boolean {
    return this.successes.length === 0;
  }

  take(): SettleBatch {
    const { latest, stale } = oneRunAJob(
      this.successes.splice(0, Math.min(MAX_BATCH, this.pace.most)),
    );
    for (const entry of stale) this.parts.settleQueue.add(entry);
    const { settling, successes } = this.thatFit(latest);
    this.underWay += settling.length;
    return { settling, successes, claims: this.parts.claims.takeEnded(endedBy(settling)) };
  }

  /** The first of them, as far as their outputs fit into one statement. One that never does goes apart: no claim has to wait for it. */
  private thatFit(entries: Settling[]): { settling: Settling[]; successes: Success[] } {
    const successes: Success[] = [];
    let characters = 0;
    for (const entry of entries) {
      const success = this.parts.successOf(entry);
      const size = success.output?.length ?? 0;
      characters += size;
      if (characters > MAX_CHARACTERS) {
        const isTooLarge = size > MAX_CHARACTERS;
        if (isTooLarge) this.parts.settleQueue.add({ ...entry, success });
        this.successes = entries
          .slice(successes.length + Number(isTooLarge))
          .concat(this.successes);
        return { settling: entries.slice(0, successes.length), successes };
      }
      successes.push(success);
    }
    return { settling: entries, successes };
  }

  /** The statement was committed, in `ms`; `lost` runs no longer held their job. */
  settled(batch: SettleBatch, lost: string[], ms = 0): void {
    this.underWay -= batch.settling.length;
    this.pace.took(batch.settling.length, ms);
    this.parts.claims.deleted(batch.claims);
    const late = lost.length > 0 ? new Set(lost) : undefined;
    for (const entry of batch.settling) {
      if (late?.has(entry.run.id)) this.refuse(entry);
      else this.acknowledge(entry);
    }
  }

  /**
   * The statement failed, or its answer was lost. What the server refused goes apart, to be settled one by one without holding up
   * anything else (true); otherwise everything leaves again with the next statement.
   */
  failed(batch: SettleBatch, error: unknown): boolean {
    this.underWay -= batch.settling.length;
    this.parts.claims.notDeleted(batch.claims);
    if (timedOut(error)) this.pace.missed(batch.settling.length);
    const refused = batch.settling.length > 0 && error instanceof DatabaseError && error.isRefusal;
    if (refused) for (const entry of batch.settling) this.parts.settleQueue.add(entry);
    else this.again(batch.settling);
    return refused;
  }

  private again(settling: Settling[]): void {
    for (const { run } of settling) run.unsure = true;
    this.successes = settling.concat(this.successes);
  }

  private acknowledge({ run, outcome }: Settling): void {
    this.parts.claims.settled(run.claim);
    this.parts.reports.settled(run, outcome);
  }

  private refuse(entry: Settling): void {
    this.parts.claims.settled(entry.run.claim);
    this.parts.late.report(entry);
  }
}

/** Whatever the handler returned after the commit of its completion. */
const DONE: Outcome = { kind: 'succeeded', output: undefined };
