import type { EnqueueOutcome } from '../../job/enqueue-options.js';
import { byteaArray, textArray, timestampArray } from '../connection/binary-array.js';
import { chunksOf } from '../enqueue/chunks.js';
import type { Run } from '../connection/database.js';
import type { NewJob } from '../../job/new-job.js';
import { SHARD } from '../connection/shard.js';
import { MAX_LOCKS } from '../groups/group-locks.sql.js';
import { LOCK_ALL_KEYS, LOCK_KEYS } from './lock-keys.sql.js';
import { CHANGE } from '../operate/change.sql.js';
import { restoreLost } from '../operate/restoring.js';
import { REPLACE } from './replace.sql.js';
import { isReplacing, keyOf, outcomeOf, queueOf, type Storing } from '../enqueue/storing.js';

/** Each of these carries a new payload, and jobs found by key are joined to them. */
const MAX_REPLACED = 500;

interface Replaced {
  position: number;
  id: string;
  replaced: boolean;
  running: boolean;
  /** It waits where others count on its place. */
  held: boolean;
  /** The new contents are for the same handler. */
  fits: boolean;
}

/**
 * Of what may be replaced: `replace` and `debounce`, each key once. A single job needs no lock before it knows that its key is taken: the
 * unique index decides who comes in, and jobs of groups are never replaced. False: nothing is locked yet.
 */
export async function lockReplaced(run: Run, jobs: NewJob[], isKnown = false): Promise<boolean> {
  const replacing = jobs.filter(isReplacing);
  if (replacing.length === 0 || (!isKnown && jobs.length === 1)) return false;
  await lockKeys(run, replacing);
  return true;
}

/** Those whose job moved or ended meanwhile stay without an answer, and those whose job was in no place and is where it belongs now. */
export async function replaceKnown({ run, answers }: Storing, jobs: NewJob[]): Promise<void> {
  for (const chunk of chunksOf(jobs, MAX_REPLACED)) {
    const rows = await run<Replaced>(REPLACE, replaceValues(chunk));
    const restored = await restoredOf(run, rows);
    for (const row of rows) {
      const job = chunk[row.position]!;
      const outcome = restored.has(row.id) ? undefined : await becomes(run, job, row);
      if (outcome) answers.set(job, { id: row.id, created: false, outcome });
    }
  }
}

/** undefined: it has moved meanwhile. */
async function becomes(
  run: Run,
  job: NewJob,
  { id, replaced, running, held, fits }: Replaced,
): Promise<EnqueueOutcome | undefined> {
  if (replaced) return outcomeOf(job);
  if (!running) return undefined;
  if (!held) return 'running';
  if (!fits) return 'existing';
  return (await giveContents(run, id, job)) ? 'replaced' : undefined;
}

/** Its place, its time and its options stay. */
async function giveContents(run: Run, id: string, job: NewJob): Promise<boolean> {
  const { payload, payloadBytes = null, limitKey = null } = job;
  const [row] = await run<{ changed: boolean }>(CHANGE, [SHARD, [id], null, null, null, payload, payloadBytes, true, limitKey, true]); // prettier-ignore
  return row?.changed === true;
}

/** What is in no waiting place runs, or is nowhere at all. */
async function restoredOf(run: Run, rows: Replaced[]): Promise<Set<string>> {
  const ids = rows.flatMap(({ id, running }) => (running ? [id] : []));
  return new Set(ids.length > 0 ? (await restoreLost(run, ids)).map(({ id }) => id) : []);
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
    textArray(jobs.map((job) => job.limitKey)),
  ];
}
