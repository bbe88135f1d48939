import type { Run } from '../connection/database.js';
import { lanesOf, type Insertion } from './job-values.js';
import type { Lanes } from '../lanes/lanes.js';
import type { Statement } from '../connection/statement.js';

/** A job that came in, a group that would be mixed, or neither: a lane is not known. */
interface StoredRow {
  id: string | null;
  mixed?: string | null;
}

export type Store = (run: Run, statement: Statement, insertion: Insertion) => Promise<StoredRow[]>;

/**
 * Runs inserts. Where the database does not know their lanes any more they have stored nothing, and go again with the new numbers: without
 * another look, which a transaction with an older snapshot would take in vain.
 */
export function inserter(lanes: Lanes): Store {
  return async (run, statement, { jobs, values, made }) => {
    const rows = await run<StoredRow>(statement, [...(made ?? values()), lanesOf(jobs)]);
    if (!rows.some(({ id, mixed = null }) => id === null && mixed === null)) return rows;
    await lanes.renew(jobs.map((job) => job.lane));
    return run<StoredRow>(statement, [...values(), []]);
  };
}

export const idsOf = (rows: StoredRow[]): string[] => rows.map(({ id }) => id!);
