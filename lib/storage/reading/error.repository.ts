import type { Cause, Failure } from '../../job/failure.js';
import type { JobState, TerminalState } from '../../job/job-state.js';
import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { LIST_ERRORS, LIST_FAILING } from './list-errors.sql.js';

/** Dead letters of one error key, and the newest of them. */
export interface ErrorRow {
  key: string;
  jobs: number;
  firstAt: Date;
  lastAt: Date;
  id: string;
  state: TerminalState;
  queue: string;
  name: string;
  error: Cause;
}

/** A job that failed and is tried again. */
export interface FailingRow {
  id: string;
  state: JobState;
  queue: string;
  name: string;
  error: Failure;
}

/** Of which errors. */
interface ErrorWish {
  lanes?: number[] | undefined;
  since?: Date | undefined;
  mostJobs: number;
  mostKeys: number;
}

/** What failed, and how alike it is. */
export class ErrorRepository {
  constructor(private readonly database: Database) {}

  list({ lanes, since, mostJobs, mostKeys }: ErrorWish): Promise<ErrorRow[]> {
    const values = [SHARD, lanes ?? null, since ?? null, mostJobs, mostKeys];
    return this.database.callers.run(LIST_ERRORS, values);
  }

  failing(lanes: number[] | undefined, most: number): Promise<FailingRow[]> {
    return this.database.callers.run(LIST_FAILING, [SHARD, lanes ?? null, most]);
  }
}
