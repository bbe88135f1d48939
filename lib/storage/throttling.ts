import type { Run } from './database.js';
import type { NewJob } from './enqueue.repository.js';
import { SHARD } from './shard.js';
import { TAKE_BACK } from './sql/take-back.sql.js';
import { FIND_PERIODS, OPEN_PERIODS } from './sql/throttle.sql.js';
import { idOf, keyOf, queueOf, rounds, type Answers, type Storing } from './storing.js';

/**
 * `throttle`, each key once. Most calls meet an open period, so that is asked first. Who comes in opens one; where a rival's is open by
 * then (its job has ended already) the new job is taken back: nobody has seen it.
 */
export async function throttleAll({ run, insert, answers }: Storing, jobs: NewJob[]): Promise<void> {
  const open = await answerPeriods(run, jobs, answers);
  await rounds(open, async (round) => {
    const inserted = await insert(run, round);
    const fresh = round.filter((_, index) => inserted[index]!.created);
    const opened = await openPeriods(run, fresh);
    round.forEach((job, index) => opened.has(job.id) && answers.set(job, inserted[index]!));
    await answerPeriods(run, unanswered(round, answers), answers);
    // The live job of a key that opened no period is as good an answer.
    round.forEach((job, index) => !answers.has(job) && !inserted[index]!.created && answers.set(job, inserted[index]!));
    return unanswered(round, answers);
  });
}

const unanswered = (jobs: NewJob[], answers: Answers): NewJob[] => jobs.filter((job) => !answers.has(job));

/** Jobs without an open period come back. */
async function answerPeriods(run: Run, jobs: NewJob[], answers: Answers): Promise<NewJob[]> {
  if (jobs.length === 0) return [];
  const values = [SHARD, jobs.map((_, position) => position), jobs.map(queueOf), jobs.map(keyOf)];
  for (const { position, id } of await run<{ position: number; id: string }>(FIND_PERIODS, values))
    answers.set(jobs[position]!, { id, created: false, outcome: 'throttled' });
  return unanswered(jobs, answers);
}

/** The ids whose period was opened; the others are taken back. Sorted, so that two batches take their keys in the same order. */
async function openPeriods(run: Run, fresh: NewJob[]): Promise<Set<string>> {
  if (fresh.length === 0) return new Set();
  const jobs = fresh.toSorted((a, b) => queueOf(a) - queueOf(b) || (keyOf(a) < keyOf(b) ? -1 : 1));
  const values = [SHARD, jobs.map(queueOf), jobs.map(keyOf), jobs.map(idOf), jobs.map((job) => job.periodMs)];
  const opened = new Set((await run<{ id: string }>(OPEN_PERIODS, values)).map(idOf));
  const late = jobs.map(idOf).filter((id) => !opened.has(id));
  if (late.length > 0) await run(TAKE_BACK, [SHARD, late]);
  return opened;
}
