import type { FoundJob } from '../../job/job.js';
import { dated, foundJob, type Dateless, type FoundRow } from '../claim/row-mapper.js';
import type { Database, Run } from '../connection/database.js';
import type { Statement } from '../connection/statement.js';
import { glance } from '../connection/callers/undoable.js';
import { FIND_JOB, FIND_LIVE } from './find-job.sql.js';

/** Finds one job, wherever it is. */
export class FindRepository {
  constructor(private readonly database: Database) {}

  /** Where a live job is found, nothing that is kept is looked into; a job that moves between the looks is found by the second, wherever it is. */
  async find(id: string, run: Run = this.database.callers.run): Promise<FoundJob | undefined> {
    const look = async (statement: Statement) =>
      (await run<Dateless<FoundRow>>(statement, [id]))[0];
    const row = (await look(FIND_LIVE)) ?? (await glance(run, () => look(FIND_JOB)));
    return row && foundJob(dated(row));
  }
}
