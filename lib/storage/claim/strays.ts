import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { epochOf, idOf, type RunKey } from '../settle/ended-run.js';
import type { Placed } from '../wake-ups/wake-up.js';
import { RETURN_STRAYS } from './return-strays.sql.js';

/** What has become of strays. */
export interface ReturnedStrays {
  /** Somebody holds these jobs: to be asked again. */
  locked: Set<string>;
  /** Those that were nowhere else, where they stand now. */
  placed: Placed[];
}

interface Row {
  id: string;
  lane: number | null;
  fair: boolean;
  later: boolean | null;
  locked: boolean;
}

/** Claims of places that are not their jobs': each by its job and the epoch that was there. A job may be among them more than once. */
export async function returnStrays(run: Run, strays: readonly RunKey[]): Promise<ReturnedStrays> {
  const rows = await run<Row>(RETURN_STRAYS, [SHARD, strays.map(idOf), strays.map(epochOf)]);
  const placed = rows.flatMap(({ lane, fair, later }) =>
    lane === null ? [] : [{ lane, fair, later: later === true }],
  );
  return { locked: new Set(rows.filter((row) => row.locked).map(idOf)), placed };
}
