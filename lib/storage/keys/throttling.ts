import type { Enqueued } from '../../job/enqueue-options.js';
import type { Run } from '../connection/database.js';
import type { NewJob } from '../../job/new-job.js';
import { SHARD } from '../connection/shard.js';
import { TAKE_BACK } from './take-back.sql.js';
import { FIND_PERIODS, OPEN_PERIODS } from './throttle.sql.js';
import { idOf, isThrottled, keyOf, queueOf, unanswered, type Storing } from '../enqueue/storing.js';

/** `throttle`, each key once. Most calls meet an open period, so that is asked before anything is stored. */
export async function answerPeriods({ run, answers }: Storing, jobs: NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const values = [SHARD, jobs.map((_, position) => position), jobs.map(queueOf), jobs.map(keyOf)];
  for (const { position, id } of await run<{ position: number; id: string }>(FIND_PERIODS, values))
    answers.set(jobs[position]!, { id, created: false, outcome: 'throttled' });
}

/**
 * Of the throttled ones among these, who came in opens a period; where a rival's is open by then (its job has ended already) the new job is
 * taken back: nobody has seen it.
 */
export async function keepOpeners(
  storing: Storing,
  inserted: Map<NewJob, Enqueued>,
): Promise<void> {
  const { run, answers } = storing;
  const throttled = [...inserted.keys()].filter(isThrottled);
  const isFresh = (job: NewJob): boolean => inserted.get(job)!.created;
  const opened = await openPeriods(run, throttled.filter(isFresh));
  for (const job of throttled) if (opened.has(job.id)) answers.set(job, inserted.get(job)!);
  await answerPeriods(storing, unanswered(answers, throttled));
  // The live job of a key that opened no period is as good an answer.
  for (const job of unanswered(answers, throttled))
    if (!isFresh(job)) answers.set(job, inserted.get(job)!);
}

/** The ids whose period was opened; the others are taken back. Sorted, so that two batches take their keys in the same order. */
async function openPeriods(run: Run, fresh: NewJob[]): Promise<Set<string>> {
  if (fresh.length === 0) return new Set();
  const jobs = fresh.toSorted((a, b) => queueOf(a) - queueOf(b) || (keyOf(a) < keyOf(b) ? -1 : 1));
  const values = [
    SHARD,
    jobs.map(queueOf),
    jobs.map(keyOf),
    jobs.map(idOf),
    jobs.map((job) => job.periodMs),
  ];
  const opened = new Set((await run<{ id: string }>(OPEN_PERIODS, values)).map(idOf));
  const late = jobs.map(idOf).filter((id) => !opened.has(id));
  if (late.length > 0) await run(TAKE_BACK, [SHARD, late]);
  return opened;
}
