import type { Failure } from '../../job/failure.js';
import type { TerminalState } from '../../job/job-state.js';
import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { FIND_UNLOCKED } from './find-unlocked.sql.js';
import { BURY } from './bury.sql.js';
import { COMPLETE, COMPLETE_ADDING, COMPLETE_KEYED, COMPLETE_OUTCOMES } from './complete.sql.js';
import { epochOf, idOf, type Burial, type Return, type RunKey, type Success } from './ended-run.js';
import { PUT_BACK } from './put-back.sql.js';
import { SET_APART } from './set-apart.sql.js';

/** What else hangs on the end of a job: a permit of its key, another queue that stores it. */
interface EndTies {
  isKeyed?: boolean;
  hasOutcomes?: boolean;
}

/** Every end of a run but the successes that ride with a claim. What settles runs is given one of a job at most: results come by id. */
export class SettleRepository {
  constructor(private readonly database: Database) {}

  /** Ids that were still held; `moved` false: its cancel was requested, end it as cancelled. */
  putBack(
    returns: Return[],
    run: Run = this.database.loops.run,
  ): Promise<{ id: string; moved: boolean }[]> {
    const changes = JSON.stringify(
      Object.fromEntries(returns.map((entry) => [entry.id, entry.change])),
    );
    const inOrder = returns.toSorted(byId);
    return run(PUT_BACK, [SHARD, inOrder.map(idOf), inOrder.map(epochOf), changes]);
  }

  /** The jobs that were still held, and how they have ended now. */
  async bury(
    worker: string,
    burials: Burial[],
    run: Run = this.database.loops.run,
  ): Promise<{ id: string; state: TerminalState }[]> {
    const verdicts = JSON.stringify(
      Object.fromEntries(burials.map((entry) => [entry.id, entry.verdict])),
    );
    const inOrder = burials.toSorted(byId);
    return run(BURY, [SHARD, inOrder.map(idOf), inOrder.map(epochOf), verdicts, worker]);
  }

  /** Ends a job whose row can be neither put back nor buried; false when the run no longer holds it. */
  async setApart(
    worker: string,
    { id, epoch }: RunKey,
    end: { keepMs: number; error: Failure },
  ): Promise<boolean> {
    const values = [SHARD, id, epoch, end.keepMs, worker, JSON.stringify(end.error)];
    return (await this.database.loops.run(SET_APART, values)).length === 1;
  }

  /** Those of these jobs that nobody else holds locked right now. */
  async findUnlocked(ids: string[]): Promise<Set<string>> {
    return new Set(
      (await this.database.loops.run<{ id: string }>(FIND_UNLOCKED, [SHARD, ids])).map(idOf),
    );
  }

  /** The same in a transaction of its own: of an ordered step, whose turn and whose workflow are looked at by duties. */
  completeAlone(worker: string, success: Success, ties: EndTies): Promise<boolean> {
    return this.complete(this.database.loops.run, worker, success, ties);
  }

  /** Completes in the handler's transaction; false when the run no longer holds the job. */
  async complete(
    run: Run,
    worker: string,
    success: Success,
    { isKeyed, hasOutcomes }: EndTies = {},
  ): Promise<boolean> {
    const { id, epoch, runMs, keepMs, output, added } = success;
    const values = [SHARD, id, epoch, runMs, keepMs ?? null, worker, output ?? null];
    if (added !== undefined) return (await run(COMPLETE_ADDING, [...values, added])).length === 1;
    const statement = hasOutcomes ? COMPLETE_OUTCOMES : isKeyed ? COMPLETE_KEYED : COMPLETE;
    return (await run(statement, values)).length === 1;
  }
}

/** Rows are locked in this order, as a cancel of many locks them: two that meet wait for each other once, and never in a circle. */
const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
