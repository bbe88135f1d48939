import type { Enqueued, EnqueueOutcome } from '../job/enqueue-options.js';
import { QueueError } from '../job/queue.errors.js';
import { chunksOf } from './chunks.js';
import type { Run } from './database.js';
import type { NewJob } from './enqueue.repository.js';
import { SHARD } from './shard.js';
import { LOCK_ALL_KEYS, LOCK_KEYS } from './sql/lock-keys.sql.js';
import { REPLACE } from './sql/replace.sql.js';
import { TAKE_BACK } from './sql/take-back.sql.js';
import { FIND_PERIODS, OPEN_PERIODS } from './sql/throttle.sql.js';

/** Stores jobs as `ignore` does, and answers for each in place. */
export type Insert = (run: Run, jobs: NewJob[]) => Promise<Enqueued[]>;

/** Each key is a lock of its own up to here; the server's table of locks is shared, and has room for some thousands. */
const MAX_KEY_LOCKS = 100;
/** Each of these carries a new payload, and jobs found by key are joined to them. */
const MAX_REPLACED = 500;
/** A job may start, end or be put back between two looks, again and again in theory. */
const MAX_ROUNDS = 5;

type Answers = Map<NewJob, Enqueued>;
type Found = { position: number; id: string };

export const hasConflictMode = (job: NewJob): boolean => job.conflict !== undefined;

/**
 * What happens where a live job, or a period, has the key already: `replace`, `debounce` and `throttle`, built on `ignore`. In a transaction.
 * Several items of a call with one key are one for the database: the last one is stored, of throttled ones the first.
 */
export class ConflictRepository {
  async resolve(run: Run, jobs: NewJob[], insert: Insert): Promise<Enqueued[]> {
    const answers: Answers = new Map();
    const others = jobs.filter((job) => !hasConflictMode(job));
    if (others.length > 0) keep(answers, others, await insert(run, others));
    const groups = groupsOf(jobs.filter(hasConflictMode));
    const changing = groups.filter(([first]) => first!.conflict !== 'throttle');
    await this.change(run, changing, { insert, answers });
    const throttled = groups.filter(([first]) => first!.conflict === 'throttle');
    await this.throttle(run, throttled, { insert, answers });
    return jobs.map((job) => answers.get(job)!);
  }

  /** The first look needs no lock where there is one key: the unique index decides who comes in. */
  private async change(run: Run, groups: NewJob[][], { insert, answers }: Storing): Promise<void> {
    const last = groups.map((group) => group.at(-1)!);
    let isLocked = groups.length > 1;
    if (isLocked) await lockKeys(run, last);
    let open = last;
    for (let round = 0; open.length > 0; round++) {
      if (round === MAX_ROUNDS) throw restless();
      const inserted = await insert(run, open);
      keep(
        answers,
        open,
        inserted.map((answer) => (answer.created ? answer : undefined)),
      );
      open = open.filter((job) => !answers.has(job));
      if (open.length > 0 && !isLocked) await lockKeys(run, open);
      isLocked = true;
      open = await this.replace(run, open, answers);
    }
    for (const group of groups) spread(group, answers.get(group.at(-1)!)!, answers);
  }

  /** Those whose job moved or ended meanwhile come back. */
  private async replace(run: Run, jobs: NewJob[], answers: Answers): Promise<NewJob[]> {
    for (const chunk of chunksOf(jobs, MAX_REPLACED)) {
      const rows = await run<Found & { replaced: boolean; running: boolean }>(REPLACE, replaceValues(chunk));
      for (const { position, id, replaced, running } of rows) {
        const job = chunk[position]!;
        const outcome = replaced ? changeOf(job) : 'running';
        if (replaced || running) answers.set(job, { id, created: false, outcome });
      }
    }
    return jobs.filter((job) => !answers.has(job));
  }

  /** A job that came in and met a period that is open (its job has ended already) is taken back: nobody has seen it. */
  private async throttle(run: Run, groups: NewJob[][], { insert, answers }: Storing): Promise<void> {
    const first = groups.map((group) => group[0]!);
    let open = await answerPeriods(run, first, answers);
    for (let round = 0; open.length > 0; round++) {
      if (round === MAX_ROUNDS) throw restless();
      const inserted = new Map((await insert(run, open)).map((answer, index) => [open[index]!, answer]));
      const fresh = open.filter((job) => inserted.get(job)!.created);
      const opened = await openPeriods(run, fresh);
      keep(
        answers,
        fresh,
        fresh.map((job) => (opened.has(job.id) ? inserted.get(job) : undefined)),
      );
      open = await answerPeriods(
        run,
        open.filter((job) => !answers.has(job)),
        answers,
      );
      // The live job of a key that opened no period is as good an answer.
      const live = open.filter((job) => !inserted.get(job)!.created);
      keep(
        answers,
        live,
        live.map((job) => inserted.get(job)),
      );
      open = open.filter((job) => !answers.has(job));
    }
    for (const group of groups) spread(group, answers.get(group[0]!)!, answers);
  }
}

interface Storing {
  insert: Insert;
  answers: Answers;
}

function keep(answers: Answers, jobs: NewJob[], told: (Enqueued | undefined)[]): void {
  jobs.forEach((job, index) => {
    const answer = told[index];
    if (answer) answers.set(job, answer);
  });
}

/** Items with the same key, in the order of the array. */
function groupsOf(jobs: NewJob[]): NewJob[][] {
  const groups = new Map<string, NewJob[]>();
  for (const job of jobs) {
    const key = `${job.lane.queueId}\n${job.uniqueKey!}`;
    const group = groups.get(key);
    if (group) group.push(job);
    else groups.set(key, [job]);
  }
  return [...groups.values()];
}

/** One answer for all items of a key: where a job was created the first item created it, and the others changed it or came too late. */
function spread(group: NewJob[], { id, created, outcome }: Enqueued, answers: Answers): void {
  group.forEach((job, index) => {
    const later = created ? changeOf(job) : outcome;
    answers.set(job, index === 0 ? { id, created, outcome } : { id, created: false, outcome: later });
  });
}

const CHANGES = { replace: 'replaced', debounce: 'postponed', throttle: 'throttled' } as const;
const changeOf = (job: NewJob): EnqueueOutcome => CHANGES[job.conflict!];

async function lockKeys(run: Run, jobs: NewJob[]): Promise<void> {
  const queue = jobs[0]!.lane.queueId;
  if (jobs.length > MAX_KEY_LOCKS) await run(LOCK_ALL_KEYS, [queue]);
  else await run(LOCK_KEYS, [queue, jobs.map(keyOf)]);
}

/** Jobs without an open period come back. */
async function answerPeriods(run: Run, jobs: NewJob[], answers: Answers): Promise<NewJob[]> {
  if (jobs.length === 0) return [];
  const rows = await run<Found>(FIND_PERIODS, [SHARD, jobs.map((_, position) => position), jobs.map(queueOf), jobs.map(keyOf)]);
  for (const { position, id } of rows) answers.set(jobs[position]!, { id, created: false, outcome: 'throttled' });
  return jobs.filter((job) => !answers.has(job));
}

/** The ids whose period was opened; the others are taken back. */
async function openPeriods(run: Run, jobs: NewJob[]): Promise<Set<string>> {
  if (jobs.length === 0) return new Set();
  const values = [SHARD, jobs.map(queueOf), jobs.map(keyOf), jobs.map(idOf), jobs.map((job) => job.periodMs)];
  const opened = new Set((await run<{ id: string }>(OPEN_PERIODS, values)).map(idOf));
  const late = jobs.map(idOf).filter((id) => !opened.has(id));
  if (late.length > 0) await run(TAKE_BACK, [SHARD, late]);
  return opened;
}

function replaceValues(jobs: NewJob[]): unknown[] {
  return [
    SHARD,
    jobs.map((_, position) => position),
    jobs.map(queueOf),
    jobs.map(keyOf),
    jobs.map((job) => job.lane.id),
    jobs.map((job) => job.priority),
    jobs.map((job) => job.at),
    jobs.map((job) => job.delayMs ?? 0),
    jobs.map((job) => job.fingerprint),
    jobs.map((job) => job.options),
    jobs.map((job) => job.payload),
    jobs.map((job) => job.payloadBytes),
  ];
}

const idOf = ({ id }: { id: string }): string => id;
const keyOf = (job: NewJob): string => job.uniqueKey!;
const queueOf = (job: NewJob): number => job.lane.queueId;

function restless(): QueueError {
  const message = `The job of a unique key moved ${MAX_ROUNDS} times while it was being enqueued. Enqueue it again.`;
  return new QueueError('TRANSACTION_CONFLICT', message);
}
