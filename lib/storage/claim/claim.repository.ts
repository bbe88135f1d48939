import { textArray } from '../connection/binary-array.js';
import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { epochOf, idOf, type RunKey, type Success } from '../settle/ended-run.js';
import { ACCOMPANY } from './accompany.sql.js';
import { CLAIM_SUSPECTS } from './claim-suspects.sql.js';
import { wishValues, type ClaimWish } from './claim-wish.js';
import { FETCH_HEAVY } from './fetch-heavy.sql.js';
import { HAS_DUE } from './has-due.sql.js';
import { PROMOTE } from './promote.sql.js';
import type { Promotion } from './promotion.js';
import { claimedRow, type ClaimedRow, type HeavyParts } from './row-mapper.js';
import { returnStrays, type ReturnedStrays } from './strays.js';
import { CLAIM, SETTLE_AND_CLAIM, SETTLE_KEEP_AND_CLAIM } from './settle-and-claim.sql.js';

export type { ClaimRange, ClaimWish, LaneWish } from './claim-wish.js';
export type { Promotion } from './promotion.js';

/** What settle-and-claim returns: claimed jobs, and runs that no longer held their job. */
export interface Claimed {
  jobs: ClaimedRow[];
  lost: string[];
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

/** What workers take, with the successes that ride with it, and what becomes due. */
export class ClaimRepository {
  constructor(private readonly database: Database) {}

  async settleAndClaim(
    worker: string,
    successes: Success[],
    endedClaims: string[],
    wish: ClaimWish,
  ): Promise<Claimed> {
    const claim = [uuids(endedClaims), ...wishValues(wish)];
    const { loops } = this.database;
    if (successes.length === 0)
      return sortRows((await loops.rows(CLAIM, [SHARD, ...claim])).map(claimedRow));
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
    const rows = await this.database.loops.rows(CLAIM_SUSPECTS, [
      SHARD,
      claimId,
      lanes,
      each,
      ...degrees,
      lease,
      limit,
    ]);
    return rows.map(claimedRow);
  }

  /** What claims left behind of heavy jobs, by id: of those that are still held, in order, as far as one answer carries. */
  async fetchHeavy(runs: RunKey[]): Promise<Map<string, HeavyParts>> {
    const rows = await this.database.loops.rows(FETCH_HEAVY, [
      SHARD,
      runs.map(idOf),
      runs.map(epochOf),
    ]);
    return new Map(rows.map((parts) => [parts[0]!, parts]));
  }

  /** Others start beside a suspect that ran alone: a crash no longer counts against it. */
  async accompany({ id, epoch }: RunKey): Promise<void> {
    await this.database.loops.run(ACCOMPANY, [SHARD, id, epoch]);
  }

  /** Gives back what was claimed in places that are not their jobs'. */
  returnStrays(strays: readonly RunKey[]): Promise<ReturnedStrays> {
    return returnStrays(this.database.loops.run, strays);
  }

  async promote(since: string, lanes: number[]): Promise<Promotion> {
    return (await this.database.loops.run<Promotion>(PROMOTE, [SHARD, since, lanes]))[0]!;
  }

  /** Does anything of these lanes run, or could it run now? */
  async hasDue(lanes: number[]): Promise<boolean> {
    return (await this.database.loops.run<{ due: boolean }>(HAS_DUE, [SHARD, lanes]))[0]!.due;
  }
}

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
  return {
    jobs: lost.length > 0 ? rows.filter((row) => row.lane !== -1) : rows,
    lost: lost.map(idOf),
  };
}
