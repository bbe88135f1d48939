import { checkId, isId, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { Cli } from './command.js';
import { EXIT } from './exit-code.js';
import type { Session } from './session.js';

/** A job that could not be done. */
interface Refused {
  id: string;
  error: { code: string; message: string };
}

interface EachId<Answer> {
  /** For the audit. */
  action: string;
  work: (session: Session, id: string) => Promise<Answer>;
  /** In words. */
  text: (answer: Answer) => string;
  isDone?: (answer: Answer) => boolean;
}

/**
 * For commands over several ids: does all of them, whatever becomes of some, reports each, and exits with 1 where one could
 * not be done. What concerns every job (the database is gone) ends it early; what was done until then is reported first.
 */
export async function eachId<Answer extends { id: string }>(
  { screen, session }: Cli,
  given: readonly string[],
  { action, work, text, isDone = () => true }: EachId<Answer>,
): Promise<number> {
  const ids = checkIds(given);
  const opened = await session();
  const jobs: (Answer | Refused)[] = [];
  let fatal: Error | undefined;
  const isGood = (job: Answer | Refused): boolean => !('error' in job) && isDone(job);
  const counts = await opened.admin.act(action, { ids }, async () => {
    for (const id of ids) {
      const job = await work(opened, id).catch((error: Error) => ownError(id, error));
      if (job instanceof Error) fatal = job;
      if (job instanceof Error) break;
      jobs.push(job);
    }
    return countsOf(jobs.filter(isGood).length, jobs.length, ids.length);
  });
  await screen.answer({ jobs, ...counts }, () => {
    for (const job of jobs) {
      const told = 'error' in job ? job.error.message : text(job);
      screen.say({ text: told, tone: isGood(job) ? undefined : 'bad' });
    }
  });
  if (ids.length > 1) screen.note({ text: sumOf(counts), tone: 'dim' });
  if (fatal) throw fatal;
  return counts.failed > 0 ? EXIT.trouble : EXIT.ok;
}

/** A call with a slip does nothing; its error names all of them. */
function checkIds(given: readonly string[]): string[] {
  const slips = given.filter((id) => !isId(id)).map(quote);
  if (slips.length === 0) return [...new Set(given.map(checkId))];
  const are = slips.length === 1 ? 'is no UUID' : 'are no UUIDs';
  throw new QueueError('INVALID_OPTION', `${slips.join(', ')} ${are}. Nothing was done.`);
}

/** Of this job alone: the next one may go well. */
function ownError(id: string, error: Error): Refused | Error {
  if (!(error instanceof QueueError) || error.code === 'DATABASE_UNAVAILABLE') return error;
  return { id, error: { code: error.code, message: error.message } };
}

interface Counts {
  done: number;
  failed: number;
  /** Not tried any more. */
  left: number;
}

const countsOf = (done: number, tried: number, all: number): Counts => ({
  done,
  failed: tried - done,
  left: all - tried,
});

function sumOf({ done, failed, left }: Counts): string {
  const others = [failed > 0 && `${failed} could not be`, left > 0 && `${left} not tried`];
  return `${[`${done} done`, ...others].filter(Boolean).join(', ')}.`;
}
