import { byteaArray, textArray, timestampArray } from './binary-array.js';
import { chunksOf } from './chunks.js';
import type { Run } from './database.js';
import type { NewJob } from './enqueue.repository.js';
import { SHARD } from './shard.js';
import { MAX_LOCKS } from './sql/group-locks.sql.js';
import { LOCK_ALL_KEYS, LOCK_KEYS } from './sql/lock-keys.sql.js';
import { REPLACE } from './sql/replace.sql.js';
import { keyOf, outcomeOf, queueOf, rounds, type Storing } from './storing.js';

/** Each of these carries a new payload, and jobs found by key are joined to them. */
const MAX_REPLACED = 500;

interface Replaced {
  position: number;
  id: string;
  replaced: boolean;
  running: boolean;
}

/** `replace` and `debounce`, each key once. The first look needs no lock where there is one key: the unique index decides who comes in. */
export async function replaceAll(storing: Storing, jobs: NewJob[]): Promise<void> {
  let isLocked = jobs.length > 1;
  if (isLocked) await lockKeys(storing.run, jobs);
  await rounds(jobs, async (open) => {
    const known = await insertNew(storing, open);
    if (known.length > 0 && !isLocked) await lockKeys(storing.run, known);
    isLocked = true;
    return replaceKnown(storing, known);
  });
}

/** Jobs whose key is taken come back. */
async function insertNew({ run, insert, answers }: Storing, jobs: NewJob[]): Promise<NewJob[]> {
  const told = await insert(run, jobs);
  jobs.forEach((job, index) => told[index]!.created && answers.set(job, told[index]!));
  return jobs.filter((job) => !answers.has(job));
}

/** Those whose job moved or ended meanwhile come back. */
async function replaceKnown({ run, answers }: Storing, jobs: NewJob[]): Promise<NewJob[]> {
  for (const chunk of chunksOf(jobs, MAX_REPLACED)) {
    for (const { position, id, replaced, running } of await run<Replaced>(REPLACE, replaceValues(chunk))) {
      const job = chunk[position]!;
      if (replaced || running) answers.set(job, { id, created: false, outcome: replaced ? outcomeOf(job) : 'running' });
    }
  }
  return jobs.filter((job) => !answers.has(job));
}

/** Jobs of one call, so of one queue. */
async function lockKeys(run: Run, jobs: NewJob[]): Promise<void> {
  const queue = queueOf(jobs[0]!);
  if (jobs.length > MAX_LOCKS) await run(LOCK_ALL_KEYS, [queue]);
  else await run(LOCK_KEYS, [queue, jobs.map(keyOf)]);
}

function replaceValues(jobs: NewJob[]): unknown[] {
  return [
    SHARD,
    jobs.map((_, position) => position),
    jobs.map(queueOf),
    jobs.map(keyOf),
    jobs.map((job) => job.lane.id),
    jobs.map((job) => job.priority),
    timestampArray(jobs.map((job) => job.at)),
    jobs.map((job) => job.delayMs ?? 0),
    textArray(jobs.map((job) => job.fingerprint)),
    textArray(jobs.map((job) => job.options)),
    textArray(jobs.map((job) => job.payload)),
    byteaArray(jobs.map((job) => job.payloadBytes)),
  ];
}
