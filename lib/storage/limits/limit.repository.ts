import { DAY_MS } from '../../job/values/duration.js';
import { paceOf, ruleText, type DeclaredLimit } from '../../job/limit.js';
import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { DECLARE_LIMIT, SET_LIMIT } from './declare-limit.sql.js';
import { DRAW_STARTS, HOLD_LIMIT, PURGE_RESTS, RETURN_STARTS } from './draw-starts.sql.js';
import { ENTER_LIMIT, KEEP_ENTERED, KEEP_LENT, LEND } from './enter-limit.sql.js';
import { FREE_SHARES } from './free-shares.sql.js';
import { LIST_LIMITS } from './list-limits.sql.js';
import { LIST_SHARES, RESET_LIMIT } from './list-shares.sql.js';
import { REMOVE_LIMITS } from './remove-limit.sql.js';
import { LOOK_AT_LIMIT } from './look-at-limit.sql.js';
import { END_SHARE, GIVE_SHARE, RETURN_PERMIT, TAKE_SHARE } from './take-share.sql.js';

/** A limit as it stands in the database. */
export interface LimitRow {
  name: string;
  ofQueue: boolean;
  concurrency: number | null;
  rate: number | null;
  perMs: number | null;
  burst: number | null;
  strict: boolean;
  rule: string;
  /** When an operator said so; null: it was declared. */
  setAt: Date | null;
  version: number;
  heldMs: number;
}

/** Who has how much of a limit, and would have more. */
export interface Share {
  lease: string;
  n: number;
  wanted: number;
  /** Since it was last given something, or gave back its last. */
  turnMs: number;
  isWhole?: boolean;
}

/** A look at how a limit is shared. */
export interface SharedLimit {
  concurrency: number | null;
  allotted: number;
  /** 1: jobs wait in the asked lanes. */
  waiting: number;
  shares: Share[];
}

/** A limit with who shares in it, as operators see it. */
export interface LimitShares extends LimitRow {
  allotted: number;
  /** Until the next start of its rate. */
  rateMs: number;
  seenAt: Date;
  shares: HeldShare[];
}

interface HeldShare {
  holder: string;
  n: number;
  wanted: number;
  declares: string | null;
  /** In which its process works under the limit. */
  lanes: number[];
  live: boolean;
  jobs: string[];
}

/** What a process asks for, and tells. */
interface ShareWish {
  lease: string;
  more: number;
  wanted: number;
  lanes: number[];
  declares: string | null;
}

interface DrawWish {
  starts: number;
  lanes: number[];
  /** For so many jobs it needs them, whatever waits there. */
  here?: number;
  /** Since its last draw. */
  waitsMs?: number;
  lease?: string;
}

/** What a draw brought: slots that begin in `firstMs`, one each `stepMs`. */
export interface Drawn {
  drawn: number;
  waiting: number;
  firstMs: number;
  stepMs: number;
  heldMs: number;
  /** For giving back. */
  fullAt: string | null;
}

/** What a pulled claim asks of a limit. */
interface LendWish {
  lease: string;
  worker: string;
  lanes: number[];
  limit: number;
  keepMs: number;
}

/** What it was lent; 0: it waits in line. */
export interface Lent {
  lent: number;
  fullAt: string;
  /** Until all of it may start, and the first of it. */
  startMs: number;
  firstMs: number;
  /** It has come into line just now. */
  isNew: boolean;
  holdsPermits: boolean;
}

interface EnterWish {
  id: string;
  weight: number;
  keepMs: number;
  holder: string;
  aheadMs: number;
}

/** How a call fared that asked to enter. */
export interface Entry extends Pick<
  LimitRow,
  'concurrency' | 'rate' | 'perMs' | 'strict' | 'burst'
> {
  entered: boolean;
  isFull: boolean;
  /** Until it is worth asking again. */
  rateMs: number;
  heldMs: number;
  /** Until its start, where it has entered; and for giving that back. */
  startMs: number;
  fullAt: string | null;
}

/** More limits than this nobody has by intent. */
const MAX_LIMITS = 1_000;

/** Limits across the fleet: their rules, who has which share, and the bucket of their rate. */
export class LimitRepository {
  constructor(private readonly database: Database) {}

  /** `lease`: of this process, where it shares in it already. False: all is as it was. */
  async declare(limit: DeclaredLimit, lease?: string): Promise<boolean> {
    const values = [...ruleValues(limit), lease ?? null];
    return (await this.database.waiters.run(DECLARE_LIMIT, values)).length === 1;
  }

  /** False: there is neither such a limit nor such a queue. */
  async set(limit: DeclaredLimit): Promise<boolean> {
    return (await this.database.waiters.run(SET_LIMIT, ruleValues(limit))).length === 1;
  }

  list(names?: readonly string[], run: Run = this.database.callers.run): Promise<LimitRow[]> {
    return run(LIST_LIMITS, [SHARD, names ?? null, MAX_LIMITS]);
  }

  /** However many: what a process does not know of it would not obey. */
  all(): Promise<LimitRow[]> {
    return this.database.callers.run(LIST_LIMITS, [SHARD, null, null]);
  }

  async purgeRests(): Promise<number> {
    return (await this.database.loops.run(PURGE_RESTS, [SHARD])).length;
  }

  /** Those that a job obeys, or all. */
  shares({ job }: { job?: string }): Promise<LimitShares[]> {
    return this.database.callers.run(LIST_SHARES, [SHARD, null, job ?? null]);
  }

  /** False: there is no such limit. `rest`: only that ends. */
  async reset(name: string, rest: boolean): Promise<boolean> {
    return (await this.database.waiters.run(RESET_LIMIT, [SHARD, name, rest])).length === 1;
  }

  /** Those that there are, with who uses each; where somebody does, all of them stay. */
  remove(names: readonly string[]): Promise<{ name: string; users: string[] }[]> {
    return this.database.waiters.run(REMOVE_LIMITS, [SHARD, names]);
  }

  /** undefined: there is no such limit. */
  async look(name: string, lanes: number[]): Promise<SharedLimit | undefined> {
    return (await this.database.loops.run<SharedLimit>(LOOK_AT_LIMIT, [SHARD, name, lanes]))[0];
  }

  /** How much the process has then; undefined: the limit is gone, or the lease. */
  async take(
    name: string,
    { lease, more, wanted, lanes, declares }: ShareWish,
  ): Promise<number | undefined> {
    const values = [SHARD, name, lease, more, wanted, lanes, declares];
    return (await this.database.loops.run<{ n: number }>(TAKE_SHARE, values))[0]?.n;
  }

  /** How much it has left; undefined: somebody has taken it all. */
  async give(
    name: string,
    { lease, back, wanted }: { lease: string; back: number; wanted: number },
  ): Promise<number | undefined> {
    const values = [SHARD, name, lease, back, wanted];
    return (await this.database.loops.run<{ n: number }>(GIVE_SHARE, values))[0]?.n;
  }

  async end(name: string, lease: string, run: Run = this.database.loops.run): Promise<void> {
    await run(END_SHARE, [SHARD, name, lease]);
  }

  /** What silent processes had, once their jobs were put back; of which limits. */
  async freeShares(): Promise<string[]> {
    const freed = await this.database.loops.run<{ name: string }>(FREE_SHARES, [SHARD]);
    return freed.map(({ name }) => name);
  }

  /** undefined: it has no rate. */
  async draw(
    name: string,
    { starts, lanes, here = 0, waitsMs = 0, lease = '' }: DrawWish,
  ): Promise<Drawn | undefined> {
    const values = [SHARD, name, starts, lanes, here, waitsMs, lease];
    return (await this.database.loops.run<Drawn>(DRAW_STARTS, values))[0];
  }

  async giveBackStarts(name: string, starts: number, fullAt: string): Promise<void> {
    await this.database.loops.run(RETURN_STARTS, [SHARD, name, starts, fullAt]);
  }

  /** For a day at most. False: a limit of the other kind has the name. */
  async hold(name: string, ofQueue: boolean, ms: number): Promise<boolean> {
    const values = [SHARD, name, ofQueue, Math.max(1, Math.min(ms, DAY_MS))];
    return (await this.database.callers.run(HOLD_LIMIT, values)).length === 1;
  }

  /** Permits and starts for a pulled claim; undefined: there is no such limit. */
  async lend(
    name: string,
    { lease, worker, lanes, limit, keepMs }: LendWish,
  ): Promise<Lent | undefined> {
    const values = [SHARD, name, lease, limit, keepMs, worker, lanes];
    return (await this.database.callers.run<Lent>(LEND, values))[0];
  }

  /** False: nothing is used, or its share was over and is somebody else's. */
  async keepLent(
    name: string,
    lease: string,
    used: number,
    { lent, fullAt }: Lent,
  ): Promise<boolean> {
    const values = [SHARD, name, lease, used, lent, fullAt];
    return (await this.database.callers.run<{ kept: boolean }>(KEEP_LENT, values))[0]!.kept;
  }

  async returnPermit(name: string, lease: string): Promise<void> {
    await this.database.callers.run(RETURN_PERMIT, [SHARD, name, lease]);
  }

  /** undefined: there is no such limit. `aheadMs`: its start may be so much later. */
  async enter(
    name: string,
    { id, weight, keepMs, holder, aheadMs }: EnterWish,
  ): Promise<Entry | undefined> {
    const values = [SHARD, name, id, weight, keepMs, holder, aheadMs];
    return (await this.database.callers.run<Entry>(ENTER_LIMIT, values))[0];
  }

  async leave(name: string, id: string): Promise<void> {
    await this.end(name, id, this.database.callers.run);
  }

  async keepEntered(ids: string[], keepMs: number): Promise<void> {
    await this.database.callers.run(KEEP_ENTERED, [SHARD, ids, keepMs]);
  }
}

function ruleValues({ name, ofQueue, ...rule }: DeclaredLimit): unknown[] {
  const { concurrency = null, rate } = rule;
  const pace = rate ? paceOf(rate) : { stepMs: null, burst: null };
  const { limit, perMs, strict } = rate ?? { limit: null, perMs: null };
  const columns = [concurrency, limit, perMs, pace.stepMs, pace.burst, strict ?? false];
  return [SHARD, name, ofQueue, ...columns, ruleText(rule)];
}
