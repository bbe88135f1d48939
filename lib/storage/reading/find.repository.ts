import type { FoundJob } from '../../job/job.js';
import { JsonText } from '../../job/values/json-text.js';
import { dated, foundJob, type Dateless, type FoundRow } from '../claim/row-mapper.js';
import type { Database, Run } from '../connection/database.js';
import type { Statement } from '../connection/statement.js';
import { glance } from '../connection/callers/undoable.js';
import { FIND_JOB, FIND_LIVE } from './find-job.sql.js';

type Row = Dateless<Omit<FoundRow, 'payload'>> & { payload: string | null };

const PAYLOADS = new WeakMap<FoundJob, JsonText>();

/** The payload of a job that was found, with all digits of its numbers. */
export const payloadOf = (job: FoundJob): JsonText => PAYLOADS.get(job)!;

/** Finds one job, wherever it is. */
export class FindRepository {
  constructor(private readonly database: Database) {}

  /** Where a live job is found, nothing that is kept is looked into; a job that moves between the looks is found by the second, wherever it is. */
  async find(id: string, run: Run = this.database.callers.run): Promise<FoundJob | undefined> {
    const look = async (statement: Statement) => (await run<Row>(statement, [id]))[0];
    const row = (await look(FIND_LIVE)) ?? (await glance(run, () => look(FIND_JOB)));
    if (!row) return undefined;
    const payload = new JsonText(row.payload ?? 'null');
    const job = foundJob(dated({ ...row, payload: payload.value }));
    PAYLOADS.set(job, payload);
    return job;
  }
}
