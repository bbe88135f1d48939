import type { Failure } from '../job/failure.js';
import type { Again } from '../job/job-result.js';
import type { Outcome } from '../job/outcome.js';
import { DatabaseError } from '../storage/database-errors.js';
import type { Burial, JobRepository, Return, Success } from '../storage/job.repository.js';
import type { Claims } from './claims.js';
import type { JobRun } from './job-run.js';
import type { RunReports } from './run-reports.js';
import type { Settling } from './settling.js';

export interface UndertakerParts {
  jobs: JobRepository;
  claims: Claims;
  reports: RunReports;
  worker: string;
  successOf: (settling: Settling) => Success;
  /** Something waits to be settled. */
  onWork: () => void;
  /** A job was put back and runs again in `delayMs`, or at once. */
  onReturn: (delayMs: number) => void;
}

const MAX_BATCH = 500;
const NO_ID = '00000000-0000-0000-0000-000000000000';
/** A job that somebody holds locked is asked for again after this. */
const LOCKED_REST_MS = 200;

type Ending = Extract<Outcome, { kind: 'cancelled' | 'failed' | 'critical' | 'unprocessable' | 'poisoned' }>;
type Going = Extract<Outcome, { kind: 'retried' | 'rescheduled' | 'released' }>;

/** Settles what cannot ride in the poller's statement: puts back what runs again, buries what ended badly, and successes refused there. */
export class Undertaker {
  private waiting: Settling[] = [];
  private underWay = 0;

  private readonly ways: [belongs: (entry: Settling) => boolean, settle: (part: Settling[]) => Promise<void>][] = [
    [({ outcome }) => isGoing(outcome), (part) => this.putBack(part)],
    [({ outcome }) => isEnding(outcome), (part) => this.bury(part)],
    [({ outcome }) => outcome.kind === 'succeeded', (part) => this.succeed(part)],
  ];

  constructor(private readonly parts: UndertakerParts) {}

  add(settling: Settling): void {
    this.waiting.push(settling);
    this.parts.onWork();
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.underWay === 0;
  }

  /** One round: everything that waits, in batches. */
  async settle(): Promise<number> {
    const batch = this.waiting.splice(0, MAX_BATCH).map(afterCompletion);
    if (batch.length === 0) return Infinity;
    this.underWay = batch.length;
    try {
      const locked = await this.settleBatch(batch);
      return locked ? LOCKED_REST_MS : this.waiting.length > 0 ? 0 : Infinity;
    } finally {
      this.underWay = 0;
    }
  }

  /** True when some are locked by others and wait for the next round. */
  private async settleBatch(batch: Settling[]): Promise<boolean> {
    let locked = false;
    for (const [belongs, settle] of this.ways) locked = (await this.orOneByOne(batch.filter(belongs), settle)) || locked;
    return locked;
  }

  /** A batch that the server refuses is settled one by one, so that one locked job holds up only itself. */
  private async orOneByOne(batch: Settling[], settle: (part: Settling[]) => Promise<void>): Promise<boolean> {
    if (batch.length === 0) return false;
    try {
      await settle(batch);
      return false;
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.sqlState === undefined) return this.waitAndThrow(batch, error);
      if (batch.length === 1) return this.waitUnlocked(batch, error);
    }
    let locked = false;
    for (const entry of batch) locked = (await this.orOneByOne([entry], settle)) || locked;
    return locked;
  }

  private waitAndThrow(batch: Settling[], error: unknown): never {
    for (const { run } of batch) run.unsure = true;
    this.waiting.push(...batch);
    throw error;
  }

  private waitUnlocked(batch: Settling[], error: DatabaseError): true {
    if (error.sqlState !== '55P03') this.waitAndThrow(batch, error);
    this.waiting.push(...batch);
    return true;
  }

  private async putBack(batch: Settling[]): Promise<void> {
    const answers = await this.parts.jobs.putBack(batch.map((entry) => this.returnOf(entry)));
    const moved = new Map(answers.map((answer) => [answer.id, answer.moved]));
    for (const entry of batch) this.afterPutBack(entry, moved.get(entry.run.id));
  }

  private afterPutBack(entry: Settling, moved: boolean | undefined): void {
    if (moved === undefined) return this.late(entry);
    if (!moved) return this.add({ run: entry.run, outcome: { kind: 'cancelled', reason: 'cancelled while it ran' } });
    this.acknowledge(entry);
    this.parts.onReturn(delayOf((entry.outcome as Going).again));
  }

  private async bury(batch: Settling[]): Promise<void> {
    const answers = await this.parts.jobs.bury(
      this.parts.worker,
      batch.map((entry) => this.burialOf(entry)),
    );
    const states = new Map(answers.map((answer) => [answer.id, answer.state]));
    for (const entry of batch) this.afterBurial(entry, states.get(entry.run.id));
  }

  private afterBurial(entry: Settling, state: string | undefined): void {
    if (state === undefined) return this.late(entry);
    const cancelled = state === 'cancelled' && entry.outcome.kind !== 'cancelled';
    this.acknowledge(cancelled ? { run: entry.run, outcome: { kind: 'cancelled', reason: 'cancelled while it ran' } } : entry);
  }

  /** Successes that the hot statement could not settle. */
  private async succeed(batch: Settling[]): Promise<void> {
    const { jobs, worker } = this.parts;
    const nothing = { claimId: NO_ID, lease: NO_ID, lanes: [], limit: 0 };
    const { lost } = await jobs.settleAndClaim(worker, batch.map(this.parts.successOf), [], nothing);
    for (const entry of batch) {
      if (lost.includes(entry.run.id)) this.late(entry);
      else this.acknowledge(entry);
    }
  }

  private acknowledge({ run, outcome }: Settling): void {
    this.parts.claims.settled(run.claim);
    this.parts.reports.settled(run, outcome);
  }

  /** No row: completed in the handler's own transaction, settled by a statement whose answer was lost, or reaped. */
  private late({ run, outcome }: Settling): void {
    this.parts.claims.settled(run.claim);
    if (run.completed) this.parts.reports.settled(run, { kind: 'succeeded', output: undefined });
    else if (run.unsure) this.parts.reports.settled(run, outcome);
    else this.parts.reports.leaseLost(run);
  }

  private returnOf({ run, outcome }: Settling): Return {
    const going = outcome as Going;
    const spent = going.kind === 'retried' ? 1 : 0;
    const told = going.kind === 'retried' ? { error: going.error, entry: this.entryOf(run, going.kind, going.error) } : {};
    const change = {
      ...timeOf(going.again),
      spent,
      rescheduled: going.kind === 'rescheduled' ? 1 : 0,
      ran: going.kind !== 'released',
      ...told,
    };
    return { id: run.id, epoch: run.epoch, change: change as Return['change'] };
  }

  private burialOf({ run, outcome }: Settling): Burial {
    const ending = outcome as Ending;
    const { archiveKeepMs, deadLetterKeepMs } = run.lane.settings;
    const spent = ending.kind === 'cancelled' || ending.kind === 'poisoned' ? 0 : 1;
    const error = ending.kind === 'cancelled' ? { name: 'Cancelled', message: ending.reason } : ending.error;
    const entry = this.entryOf(run, ending.kind, error);
    return {
      id: run.id,
      epoch: run.epoch,
      verdict: { state: ending.kind, spent, runMs: run.runMs, archiveKeepMs, deadLetterKeepMs, error, entry },
    };
  }

  private entryOf(run: JobRun, outcome: string, { name, message }: Failure): object {
    const { attempt, runMs } = run;
    return { attempt, outcome, error: { name, message: message.slice(0, 500) }, worker: this.parts.worker, runMs };
  }
}

const isEnding = (outcome: Outcome): outcome is Ending => !isGoing(outcome) && outcome.kind !== 'succeeded';

const isGoing = (outcome: Outcome): outcome is Going =>
  outcome.kind === 'retried' || outcome.kind === 'rescheduled' || outcome.kind === 'released';

const timeOf = (again: Again): { at: string } | { delayMs: number } => ('at' in again ? { at: again.at.toISOString() } : again);

const delayOf = (again: Again): number => ('at' in again ? again.at.getTime() - Date.now() : again.delayMs);

/**
 * A handler that completed in its own transaction and returned: if the job is still there, that transaction rolled back and the
 * attempt has failed; if it is gone, it committed (`late`).
 */
function afterCompletion({ run, outcome }: Settling): Settling {
  if (outcome.kind !== 'succeeded' || !run.completed) return { run, outcome };
  const message = 'The handler completed the job in its transaction and returned, but that transaction rolled back.';
  const error: Failure = { name: 'QueueError', code: 'COMPLETION_ROLLED_BACK', message };
  const last = run.attempt >= run.maxAttempts;
  return { run, outcome: last ? { kind: 'failed', error } : { kind: 'retried', error, again: { delayMs: 1_000 } } };
}
