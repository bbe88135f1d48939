import type { Failure } from '../../job/failure.js';
import type { TerminalState } from '../../job/job-state.js';
import type { StoredProgress } from '../../job/progress.js';
import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { FIND_ENDS } from './find-ends.sql.js';

/** `queue` of a live job, `state` of an ended one, neither of one that is unknown or no longer kept; `progress` of both. */
export interface EndRow {
  id: string;
  queue: string | null;
  state: TerminalState | null;
  output: unknown;
  last_error: Failure | null;
  progress: StoredProgress | null;
}

/** Asks how jobs have ended, for those who wait. */
export class EndRepository {
  constructor(private readonly database: Database) {}

  find(ids: string[]): Promise<EndRow[]> {
    return this.database.loops.run(FIND_ENDS, [SHARD, ids]);
  }
}
