import { QueueError } from '../job/queue.errors.js';
import type { Spool } from '../spool/spool.js';

/** What names a job goes past the spool, and would come before that job: nobody knows it there. @throws QueueError `DATABASE_UNAVAILABLE`. */
export async function refuseSpooled(
  spool: Spool | undefined,
  named: readonly string[],
): Promise<void> {
  if (!spool || named.length === 0) return;
  const { folder } = spool.state;
  const ids = named.map((id) => id.toLowerCase());
  // What cannot be read is told by who replays it.
  const id = await firstOf(folder, ids).catch(() => undefined);
  if (id === undefined) return;
  throw new QueueError(
    'DATABASE_UNAVAILABLE',
    `Job ${id} lies in the spool "${folder}", and the database does not know it yet. Repeat the call that names it when it does.`,
  );
}

/** Of these jobs the first that lies there, whoever wrote or refused it. */
async function firstOf(folder: string, ids: readonly string[]): Promise<string | undefined> {
  const { leftFiles } = await import('../spool/survey.js');
  const { callOf } = await import('./spooled-call.js');
  for await (const { records } of leftFiles(folder))
    for (const record of records) {
      // The payload may name it as well.
      const named = ids.filter((id) => record.body.includes(id));
      const jobs = named.length > 0 ? callOf(record)?.jobs : undefined;
      const job = jobs?.find(({ id }) => named.includes(id));
      if (job) return job.id;
    }
  return undefined;
}
