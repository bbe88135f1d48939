import type { Enqueued } from '../job/enqueue-options.js';
import { QueueError } from '../job/queue.errors.js';
import { ConflictRepository, hasConflictMode } from './conflict.repository.js';
import type { Database, Run } from './database.js';
import type { Lane } from './lanes.js';
import { isLimited, PendingRepository } from './pending.repository.js';
import { SHARD } from './shard.js';
import { repeated } from './repeated.js';
import { DATABASE_TIME } from './sql/database-time.sql.js';
import { ENQUEUE_PLAIN } from './sql/enqueue-plain.sql.js';
import { ENQUEUE } from './sql/enqueue.sql.js';
import { FIND_ENDED_IDS } from './sql/find-ended-ids.sql.js';
import { FIND_LIVE_KEYS } from './sql/find-live-keys.sql.js';
import { TAKE_BACK } from './sql/take-back.sql.js';

/** A checked job on its way to the database. */
export interface NewJob {
  id: string;
  lane: Lane;
  priority: number;
  payload: string;
  payloadBytes?: Buffer;
  at?: Date;
  delayMs?: number;
  uniqueKey?: string;
  /** undefined: `ignore`. */
  conflict?: 'replace' | 'debounce' | 'throttle';
  periodMs?: number;
  /** The queue's limit, the same for all jobs of a call. */
  maxPending?: number;
  fingerprint?: string;
  /** JSON of `StoredOptions`, or undefined. */
  options?: string;
  /** The id is the caller's: it may be known already. */
  givenId: boolean;
}

/** Rows in one statement; more is not faster, and a statement should stay short. */
const MAX_ROWS = 5_000;
const MAX_CHARACTERS = 16 * 1_024 * 1_024;
/** The holder of a key may end between insert and look-up, again and again in theory. */
const MAX_ROUNDS = 5;

/** Stores new jobs; answers for each in place. */
export class EnqueueRepository {
  private readonly conflicts = new ConflictRepository();
  private readonly pending = new PendingRepository();

  constructor(private readonly database: Database) {}

  /** In a transaction of our own where one is needed: one statement is its own transaction. */
  async insert(jobs: NewJob[]): Promise<Enqueued[]> {
    if (jobs.some(isConditional)) return repeated(() => this.database.callers.transaction((run) => this.insertIn(run, jobs)));
    const isOneStatement = chunksOf(jobs).length <= 1 && !jobs.some((job) => job.givenId);
    if (isOneStatement) return this.insertIn(this.database.callers.run, jobs);
    return this.database.callers.transaction((run) => this.insertIn(run, jobs));
  }

  async insertIn(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    if (jobs.some(isLimited)) return this.pending.within(run, jobs, () => this.insertUnlimited(run, jobs));
    return this.insertUnlimited(run, jobs);
  }

  private async insertUnlimited(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    if (jobs.some(hasConflictMode)) return this.conflicts.resolve(run, jobs, (within, some) => this.insertAny(within, some));
    if (!jobs.every(isPlain)) return this.insertAny(run, jobs);
    for (const chunk of chunksOf(jobs)) await run(ENQUEUE_PLAIN, plainValues(chunk));
    return jobs.map(created);
  }

  private async insertAny(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    const answers = new Map<NewJob, Enqueued>();
    const now = await this.timeForAll(run, jobs);
    let open = [...jobs].sort(byKey);
    for (let round = 0; open.length > 0 && round < MAX_ROUNDS; round++) {
      for (const chunk of chunksOf(open)) await this.insertChunk(run, { jobs: chunk, now, answers });
      open = open.filter((job) => !answers.has(job));
    }
    if (open.length > 0) throw restless();
    return jobs.map((job) => answers.get(job)!);
  }

  private async insertChunk(run: Run, { jobs, now, answers }: Chunk): Promise<void> {
    const stored = await this.store(run, jobs, now);
    const fresh = jobs.filter((job) => stored.delete(job.id));
    const ended = await this.takeBackEnded(run, fresh);
    for (const job of fresh) answers.set(job, ended.has(job.id) ? existing(job.id) : created(job));
    await this.answerKnown(
      run,
      jobs.filter((job) => !answers.has(job)),
      answers,
    );
  }

  /** Several statements insert in the order of the keys; one time for all lets the jobs run in the order of the array. */
  private async timeForAll(run: Run, jobs: NewJob[]): Promise<string | undefined> {
    return chunksOf(jobs).length > 1 ? (await run<{ now: string }>(DATABASE_TIME, []))[0]!.now : undefined;
  }

  private async store(run: Run, jobs: NewJob[], now: string | undefined): Promise<Set<string>> {
    const rows = await run<{ id: string }>(ENQUEUE, [...anyValues(jobs), now ?? null]);
    return new Set(rows.map((row) => row.id));
  }

  /** A job that did not come in met a live unique key, or its caller's id is known. */
  private async answerKnown(run: Run, jobs: NewJob[], answers: Map<NewJob, Enqueued>): Promise<void> {
    const keyed = jobs.filter((job) => job.uniqueKey !== undefined);
    for (const row of keyed.length > 0 ? await this.liveKeys(run, keyed) : [])
      answers.set(keyed[row.position]!, existing(row.id));
    for (const job of jobs) if (job.givenId && !answers.has(job)) answers.set(job, existing(job.id));
  }

  private liveKeys(run: Run, jobs: NewJob[]): Promise<{ position: number; id: string }[]> {
    const queues = jobs.map((job) => job.lane.queueId);
    return run(FIND_LIVE_KEYS, [SHARD, jobs.map((_, position) => position), queues, jobs.map((job) => job.uniqueKey)]);
  }

  /** Callers' ids that have ended already: their inserts are taken back in the same transaction, before they answer for a key. */
  private async takeBackEnded(run: Run, fresh: NewJob[]): Promise<Set<string>> {
    const given = fresh.filter((job) => job.givenId).map((job) => job.id);
    if (given.length === 0) return new Set();
    const ended = (await run<{ id: string }>(FIND_ENDED_IDS, [SHARD, given])).map((row) => row.id);
    if (ended.length > 0) await run(TAKE_BACK, [SHARD, ended]);
    return new Set(ended);
  }
}

/** Jobs of one statement, and where their answers go. */
interface Chunk {
  jobs: NewJob[];
  now: string | undefined;
  answers: Map<NewJob, Enqueued>;
}

const created = (job: NewJob): Enqueued => ({ id: job.id, created: true, outcome: 'created' });
const existing = (id: string): Enqueued => ({ id, created: false, outcome: 'existing' });

const isPlain = (job: NewJob): boolean =>
  job.uniqueKey === undefined && !job.givenId && job.at === undefined && job.delayMs === undefined;

const isConditional = (job: NewJob): boolean => isLimited(job) || hasConflictMode(job);

/** Two batches that take the same keys (or callers' ids) take them in the same order: unsorted ones deadlock. */
function byKey(a: NewJob, b: NewJob): number {
  return a.lane.queueId - b.lane.queueId || byText(a.uniqueKey ?? '', b.uniqueKey ?? '') || byText(a.id, b.id);
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function restless(): QueueError {
  const message = `A unique key changed hands ${MAX_ROUNDS} times while its job was being enqueued. Enqueue it again.`;
  return new QueueError('TRANSACTION_CONFLICT', message);
}

function plainValues(jobs: NewJob[]): unknown[] {
  return [
    SHARD,
    jobs.map((job) => job.id),
    jobs.map((job) => job.lane.id),
    jobs.map((job) => job.lane.queueId),
    jobs.map((job) => job.priority),
    jobs.map((job) => job.fingerprint),
    jobs.map((job) => job.options),
    jobs.map((job) => job.payload),
    jobs.map((job) => job.payloadBytes),
  ];
}

function anyValues(jobs: NewJob[]): unknown[] {
  const [shard, ids, lanes, queues, priorities, fingerprints, options, payloads, bytes] = plainValues(jobs);
  const times = [jobs.map((job) => job.at), jobs.map((job) => job.delayMs ?? 0), jobs.map((job) => job.uniqueKey)];
  return [shard, ids, lanes, queues, priorities, ...times, fingerprints, options, payloads, bytes];
}

function chunksOf(jobs: NewJob[]): NewJob[][] {
  const chunks: NewJob[][] = [];
  let chunk: NewJob[] = [];
  let characters = 0;
  for (const job of jobs) {
    const size = job.payload.length + (job.payloadBytes?.length ?? 0) * 2;
    if (chunk.length > 0 && (chunk.length === MAX_ROWS || characters + size > MAX_CHARACTERS)) {
      chunks.push(chunk);
      chunk = [];
      characters = 0;
    }
    chunk.push(job);
    characters += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
