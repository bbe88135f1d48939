import type { CancelCounts } from '../../job/enqueue-options.js';
import type { Failure } from '../../job/failure.js';
import type { AttemptRecord, FoundJob } from '../../job/job.js';
import type { TerminalState } from '../../job/job-state.js';
import type { Retention } from '../../options/queue-policy.js';
import type { OnDeadJob } from '../../job/job-state.js';
import { textArray } from '../connection/binary-array.js';
import { wishValues, type ClaimWish } from './claim-wish.js';
import type { Database, Run } from '../connection/database.js';
import type { Promotion } from './promotion.js';
import { claimedRow, dated, foundJob, type ClaimedRow, type Dateless, type FoundRow, type HeavyParts } from './row-mapper.js';
import { SHARD } from '../connection/shard.js';
import { ACCOMPANY } from './accompany.sql.js';
import { BURY } from '../settle/bury.sql.js';
import { CANCEL } from '../operate/cancel.sql.js';
import { CLAIM_SUSPECTS } from './claim-suspects.sql.js';
import { COMPLETE } from '../settle/complete.sql.js';
import { FIND_JOB, FIND_LIVE } from '../reading/find-job.sql.js';
import { FETCH_HEAVY } from './fetch-heavy.sql.js';
import { FIND_BY_FINGERPRINT, FIND_BY_GROUP, FIND_BY_UNIQUE_KEY, FIND_BY_WORKFLOW } from '../operate/find-to-cancel.sql.js';
import { FIND_UNLOCKED } from '../operate/find-unlocked.sql.js';
import { HAS_DUE } from './has-due.sql.js';
import { PROMOTE } from './promote.sql.js';
import { PUT_BACK } from '../settle/put-back.sql.js';
import { SET_APART } from '../settle/set-apart.sql.js';
import { CLAIM, SETTLE_AND_CLAIM, SETTLE_KEEP_AND_CLAIM } from './settle-and-claim.sql.js';
import type { Statement } from '../connection/statement.js';
import { glance } from '../connection/undoable.js';

export type { ClaimRange, ClaimWish, LaneWish } from './claim-wish.js';
export type { Promotion } from './promotion.js';

/** A run that may be settled: the job and the epoch it was claimed at. */
export interface RunKey {
  id: string;
  epoch: number;
}

/** A success on its way to the database. `keepMs` undefined: deleted at once. */
export interface Success extends RunKey {
  runMs: number;
  keepMs: number | undefined;
  output: string | undefined;
}

/** What settle-and-claim answers: claimed jobs, and runs that no longer held their job. */
export interface Claimed {
  jobs: ClaimedRow[];
  lost: string[];
}

/** What is kept of a failed attempt, or of an end. */
interface Told {
  error?: Failure;
  entry?: Omit<AttemptRecord, 'at'>;
}

/** What `put-back` is told of one job. */
export interface Return extends RunKey {
  change: { at?: string; delayMs?: number; spent: 0 | 1; rescheduled: 0 | 1; ran: boolean } & Told;
}

/** What `bury` is told of one job. */
export interface Burial extends RunKey {
  verdict: {
    state: TerminalState;
    spent: 0 | 1;
    runMs: number;
    deadLetterKeepMs: number;
    /** undefined: a cancelled job is deleted at once. */
    archiveKeepMs?: number;
    /** Of an ordered job that ended badly. */
    onDeadJob?: OnDeadJob;
  } & Told;
}

/** What a claim of suspects asks for. */
export interface SuspectWish {
  /** Those that run alone, or those that run apart. */
  alone: boolean;
  limit: number;
  /** At most this many of each lane, in their order; default `limit`. */
  each?: number[];
}

/** A suspect of this degree runs alone. */
export const LONE = 3;
const MAX_SMALLINT = 32_767;
const CANCEL_BATCH = 1_000;

/** Everything that happens to live jobs after their enqueue. What settles runs is given one of a job at most: answers come by id. */
export class JobRepository {
  constructor(private readonly database: Database) {}

  async settleAndClaim(worker: string, successes: Success[], endedClaims: string[], wish: ClaimWish): Promise<Claimed> {
    const claim = [uuids(endedClaims), ...wishValues(wish)];
    const { loops } = this.database;
    if (successes.length === 0) return sortRows((await loops.rows(CLAIM, [SHARD, ...claim])).map(claimedRow));
    const values = [SHARD, ...settleValues(successes), ...claim];
    const kept = successes.filter((success) => success.keepMs !== undefined);
    const rows =
      kept.length > 0
        ? await loops.rows(SETTLE_KEEP_AND_CLAIM, [...values, worker, ...keptValues(kept)])
        : await loops.rows(SETTLE_AND_CLAIM, values);
    return sortRows(rows.map(claimedRow));
  }

  async claimSuspects(
    claimId: string,
    lease: string,
    lanes: number[],
    { alone, limit, each = lanes.map(() => limit) }: SuspectWish,
  ): Promise<ClaimedRow[]> {
    const degrees = alone ? [LONE, MAX_SMALLINT] : [1, LONE - 1];
    const rows = await this.database.loops.rows(CLAIM_SUSPECTS, [SHARD, claimId, lanes, each, ...degrees, lease, limit]);
    return rows.map(claimedRow);
  }

  /** What claims left behind of heavy jobs, by id: of those that are still held, in order, as far as one answer carries. */
  async fetchHeavy(runs: RunKey[]): Promise<Map<string, HeavyParts>> {
    const rows = await this.database.loops.rows(FETCH_HEAVY, [SHARD, runs.map(idOf), runs.map(epochOf)]);
    return new Map(rows.map((parts) => [parts[0]!, parts]));
  }

  /** Others start beside a suspect that ran alone: a crash no longer counts against it. */
  async accompany({ id, epoch }: RunKey): Promise<void> {
    await this.database.loops.run(ACCOMPANY, [SHARD, id, epoch]);
  }

  /** Ids that were still held; `moved` false: its cancel was requested, end it as cancelled. */
  putBack(returns: Return[], run: Run = this.database.loops.run): Promise<{ id: string; moved: boolean }[]> {
    const changes = JSON.stringify(Object.fromEntries(returns.map((entry) => [entry.id, entry.change])));
    const inOrder = returns.toSorted(byId);
    return run(PUT_BACK, [SHARD, inOrder.map(idOf), inOrder.map(epochOf), changes]);
  }

  /** The jobs that were still held, and how they have ended now. */
  async bury(
    worker: string,
    burials: Burial[],
    run: Run = this.database.loops.run,
  ): Promise<{ id: string; state: TerminalState }[]> {
    const verdicts = JSON.stringify(Object.fromEntries(burials.map((entry) => [entry.id, entry.verdict])));
    const inOrder = burials.toSorted(byId);
    return run(BURY, [SHARD, inOrder.map(idOf), inOrder.map(epochOf), verdicts, worker]);
  }

  /** Ends a job whose row can be neither put back nor buried; false when the run no longer holds it. */
  async setApart(worker: string, { id, epoch }: RunKey, end: { keepMs: number; error: Failure }): Promise<boolean> {
    const values = [SHARD, id, epoch, end.keepMs, worker, JSON.stringify(end.error)];
    return (await this.database.loops.run(SET_APART, values)).length === 1;
  }

  /** Those of these jobs that nobody else holds locked right now. */
  async findUnlocked(ids: string[]): Promise<Set<string>> {
    return new Set((await this.database.loops.run<{ id: string }>(FIND_UNLOCKED, [SHARD, ids])).map(idOf));
  }

  /** Completes in the handler's transaction; false when the run no longer holds the job. */
  async complete(run: Run, worker: string, success: Success): Promise<boolean> {
    const { id, epoch, runMs, keepMs, output } = success;
    return (await run(COMPLETE, [SHARD, id, epoch, runMs, keepMs ?? null, worker, output ?? null])).length === 1;
  }

  async promote(since: string, lanes: number[]): Promise<Promotion> {
    return (await this.database.loops.run<Promotion>(PROMOTE, [SHARD, since, lanes]))[0]!;
  }

  /** Where a live job is found, nothing that is kept is looked into; a job that moves between the looks is found by the second, wherever it is. */
  async find(id: string, run: Run = this.database.callers.run): Promise<FoundJob | undefined> {
    const look = async (statement: Statement) => (await run<Dateless<FoundRow>>(statement, [id]))[0];
    const row = (await look(FIND_LIVE)) ?? (await glance(run, () => look(FIND_JOB)));
    return row && foundJob(dated(row));
  }

  async cancelById(run: Run, ids: string[], keep: Retention): Promise<CancelCounts> {
    const values = [SHARD, ids, JSON.stringify(keep), true];
    const [counts] = await run<CancelCounts>(CANCEL, values);
    if (counts!.requested === 0) return counts!;
    // What ran a moment ago and was put back meanwhile, perhaps for hours, waits by now: the second look ends it.
    const [late] = await run<CancelCounts>(CANCEL, values);
    const requested = Math.max(0, counts!.requested - late!.cancelled);
    return { cancelled: counts!.cancelled + late!.cancelled, requested };
  }

  async cancelByUniqueKey(run: Run, key: { uniqueKey: string; queue: string }, keep: Retention): Promise<CancelCounts> {
    const rows = await run<RunKey>(FIND_BY_UNIQUE_KEY, [SHARD, key.uniqueKey, key.queue]);
    return this.cancelById(run, rows.map(idOf), keep);
  }

  cancelByFingerprint(run: Run, tag: { fingerprint: string; queue?: string }, keep: Retention): Promise<CancelCounts> {
    return this.cancelAll(run, () => run<RunKey>(FIND_BY_FINGERPRINT, [SHARD, tag.fingerprint, tag.queue ?? null]), keep);
  }

  cancelByWorkflow(run: Run, tag: { workflowId: string; queue?: string }, keep: Retention): Promise<CancelCounts> {
    return this.cancelAll(run, () => run<RunKey>(FIND_BY_WORKFLOW, [SHARD, tag.workflowId, tag.queue ?? null]), keep);
  }

  cancelByGroup(run: Run, tag: { group: string; queue: string }, keep: Retention): Promise<CancelCounts> {
    return this.cancelAll(run, () => run<RunKey>(FIND_BY_GROUP, [SHARD, tag.group, tag.queue]), keep);
  }

  /** In batches: one statement over 100,000 jobs would hold their locks for most of a second. */
  private async cancelAll(run: Run, find: () => Promise<{ id: string }[]>, keep: Retention): Promise<CancelCounts> {
    const total: CancelCounts = { cancelled: 0, requested: 0 };
    for (;;) {
      const rows = await find();
      if (rows.length === 0) return total;
      const counts = await this.cancelById(run, rows.map(idOf), keep);
      total.cancelled += counts.cancelled;
      total.requested += counts.requested;
      // Nothing moved: what is left is being ended by others right now.
      if (rows.length < CANCEL_BATCH || counts.cancelled + counts.requested === 0) return total;
    }
  }

  /** Does anything of these lanes run, or could it run now? */
  async hasDue(lanes: number[]): Promise<boolean> {
    return (await this.database.loops.run<{ due: boolean }>(HAS_DUE, [SHARD, lanes]))[0]!.due;
  }
}

const idOf = (key: { id: string }): string => key.id;
/** Rows are locked in this order, as a cancel of many locks them: two that meet wait for each other once, and never in a circle. */
const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
const epochOf = (key: { epoch: number }): number => key.epoch;

/** An array literal: UUIDs need no quotes, which the driver would put around each. */
const uuids = (ids: string[]): string => `{${ids.join(',')}}`;

function settleValues(successes: Success[]): unknown[] {
  const first = successes.filter((success) => success.epoch === 0);
  const again = successes.filter((success) => success.epoch !== 0);
  return [uuids(first.map(idOf)), uuids(again.map(idOf)), again.map(epochOf)];
}

const keptValues = (kept: Success[]): unknown[] => [
  uuids(kept.map(idOf)),
  kept.map((success) => success.runMs),
  kept.map((success) => success.keepMs),
  textArray(kept.map((success) => success.output)),
];

/** Lane -1 marks a run that no longer held its job. */
function sortRows(rows: ClaimedRow[]): Claimed {
  const lost = rows.filter((row) => row.lane === -1);
  return { jobs: lost.length > 0 ? rows.filter((row) => row.lane !== -1) : rows, lost: lost.map(idOf) };
}
