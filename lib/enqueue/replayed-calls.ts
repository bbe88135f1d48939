import { createHash } from 'node:crypto';
import { keptSince } from '../job/lane.js';
import type { NewJob } from '../job/new-job.js';
import { QueueError } from '../job/queue.errors.js';
import { DAY_MS } from '../job/values/duration.js';
import { QueuePolicies } from '../options/queue-policy.js';
import { ageOf } from '../runtime/wall-clock.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Storage } from '../storage/storage.js';
import type { CheckedJob } from './new-job.js';
import { signalOf } from './signal-of.js';
import type { SpooledCall } from './spooled-call.js';

/** A call that the database did not take. */
export interface Refused {
  call: SpooledCall;
  code: string;
  isPassing: boolean;
}

/** Jobs of one statement. */
const MAX_JOBS = 1_000;
/** Rounds in which a call fails beside a database that replies, before it is put aside. */
const MAX_TRIES = 5;
/** Nobody can say any more whether it was stored. */
const OUTCOME_UNKNOWN = 'OUTCOME_UNKNOWN';
/** Of jobs that are refused for what others have: tried again later. */
const PASSING: ReadonlySet<string> = new Set([
  'QUEUE_FULL',
  'LOCK_TIMEOUT',
  'TRANSACTION_CONFLICT',
]);
/** About the database as a whole: rights, tables, a standby. No job is put aside for it. */
const OF_ALL = /^(28|3D|3F|42|25)/;

/** Stores calls of the past as they would have been stored then. */
export class ReplayedCalls {
  /** So many new jobs, of all tries: a call that is tried again meets those of before. */
  made = 0;
  /** How often the same call has failed while the database replied. */
  tries = 0;
  private failing = '';
  private readonly policies: QueuePolicies;

  constructor(
    private readonly storage: Storage,
    options: ResolvedOptions,
  ) {
    this.policies = new QueuePolicies(options);
  }

  /** How many jobs are stored then. Throws where the database is away, or where it is worth trying again soon. */
  async store(batch: SpooledCall[], refused: Refused[]): Promise<number> {
    let jobs = 0;
    try {
      // Also what their workers say by now.
      await this.storage.lanes.register(batch.flatMap(({ jobs }) => jobs));
      await this.refuseForgotten(batch);
      jobs = await this.insert(batch);
    } catch (error) {
      const [first] = batch as [SpooledCall];
      if (isAway(error) && this.patient(first, batch.length > 1)) throw error;
      if (batch.length === 1) refused.push(this.refusalOf(first, error));
      else for (const call of batch) jobs += await this.store([call], refused);
    }
    return jobs;
  }

  private async insert(batch: SpooledCall[]): Promise<number> {
    const [jobs, notes]: [NewJob[], (string | undefined)[]] = [[], []];
    for (const call of batch) {
      const isKept = call.jobs.every((job) => this.isKeptForADay(job, ageOf(call.at)));
      const note = isKept ? undefined : noteOf(call);
      for (const job of call.jobs) {
        jobs.push(await this.newJob(job, Date.now() - call.at, limitOf(call)));
        notes.push(note);
      }
    }
    const answers = await this.storage.replays.store(jobs, notes);
    const stored = jobs.filter((_, index) => answers[index]);
    if (stored.length > 0) this.storage.signals.send(signalOf(stored));
    this.made += answers.filter((answer) => answer?.created).length;
    return answers.length;
  }

  /** As long as a note is: a call that is replayed again, for a reply that was lost or a process that was killed, meets its jobs. */
  private isKeptForADay(job: CheckedJob, ageMs: number): boolean {
    return job.conflict === undefined && this.rememberedMs(job, ageMs) >= DAY_MS;
  }

  /** What was asked for in a time counts from the acknowledgement: by one clock, so that nobody has to know another's. */
  private async newJob(job: CheckedJob, agoMs: number, maxPending?: number): Promise<NewJob> {
    const lane = await this.storage.lanes.of(job.queue, job.name, job.labels);
    const { delayMs, conflict } = job;
    return {
      ...job,
      lane,
      maxPending,
      delayMs: delayMs === undefined ? undefined : Math.max(0, delayMs - Math.max(0, agoMs)),
      givenId: conflict === undefined,
    };
  }

  /**
   * A call that may have been stored is found by its ids, as long as those are kept. Of one that was replayed before, an operator's purge leaves
   * notes of its ids. By hand, somebody has decided.
   */
  private async refuseForgotten(batch: SpooledCall[]): Promise<void> {
    const purged: string[] = [];
    for (const { unsure, at, jobs, refused } of batch) {
      if (refused === OUTCOME_UNKNOWN) continue;
      const ageMs = ageOf(at);
      for (const job of jobs) {
        const rememberedMs = this.rememberedMs(job, ageMs);
        if (unsure && ageMs > rememberedMs) throw new Forgotten();
        if (rememberedMs < 0) purged.push(job.id);
      }
    }
    if (purged.length > 0 && (await this.storage.givenIds.areForgotten(purged)))
      throw new Forgotten();
  }

  /** Where it has ended in this time. */
  private rememberedMs({ queue, name, labels }: CheckedJob, ageMs: number): number {
    const said = keptSince(this.storage.lanes.find(queue, name, labels) ?? {}, Date.now() - ageMs);
    if (said !== undefined) return said;
    const { archiveKeepMs = 0, deadLetterKeepMs } = this.policies.of(queue);
    return Math.min(archiveKeepMs, deadLetterKeepMs);
  }

  private refusalOf(call: SpooledCall, error: unknown): Refused {
    if (error instanceof Forgotten) return { call, code: OUTCOME_UNKNOWN, isPassing: false };
    if (!(error instanceof QueueError) || error.code === 'CLOSED') throw error;
    const { code } = error;
    const isPassing = passes(error);
    if (isPassing && code !== 'QUEUE_FULL' && this.patient(call)) throw error;
    return { call, code, isPassing };
  }

  /** False: this call fails again and again, and others wait behind it. */
  private patient({ jobs: [job] }: SpooledCall, always = false): boolean {
    const isSame = this.failing === job!.id;
    [this.failing, this.tries] = [job!.id, isSame ? this.tries + 1 : 1];
    return always || this.tries < MAX_TRIES;
  }
}

/** @throws what concerns the database as a whole. */
function passes(error: QueueError): boolean {
  if (!(error instanceof DatabaseError)) return PASSING.has(error.code);
  if (OF_ALL.test(error.sqlState ?? '')) throw error;
  return !error.isOfRows;
}

const isAway = (error: unknown): boolean => error instanceof DatabaseError && error.isAway;

class Forgotten extends Error {}

/** An id that is this call's alone: callers may give the id of a job again. */
function noteOf({ at, jobs: [first] }: SpooledCall): string {
  const hex = createHash('sha256').update(`${at} ${first!.id}`).digest('hex');
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** What may share a statement: calls in their order, all counted by one limit or none. What changes others' jobs, or meets a job of the batch, has one of its own. */
export function batchesOf(calls: SpooledCall[], tries: number): SpooledCall[][] {
  const batches: SpooledCall[][] = [];
  let [jobs, marks] = [0, new Set<string>()];
  let open: string | undefined;
  for (const call of calls) {
    const own = call.jobs.flatMap(marksOf);
    const kind = kindOf(call);
    const fits = open !== undefined && open === kind && tries === 0 && jobs + call.jobs.length <= MAX_JOBS; // prettier-ignore
    if (fits && !own.some((mark) => marks.has(mark))) batches.at(-1)!.push(call);
    else {
      batches.push([call]);
      [jobs, marks] = [0, new Set()];
    }
    open = kind;
    jobs += call.jobs.length;
    for (const mark of own) marks.add(mark);
  }
  return batches;
}

/** Calls of one kind may share a statement; undefined: alone. */
function kindOf(call: SpooledCall): string | undefined {
  if (call.jobs.some(({ conflict }) => conflict !== undefined)) return undefined;
  const limit = limitOf(call);
  return limit === undefined ? '' : `${limit} ${call.jobs[0]!.queue}`;
}

/** Jobs in an order are not counted: those behind one that was put aside would pass it. */
const limitOf = ({ jobs }: SpooledCall): number | undefined =>
  jobs.some(({ ordered }) => ordered) ? undefined : jobs[0]!.maxPending;

const marksOf = ({ id, queue, uniqueKey }: CheckedJob): string[] =>
  uniqueKey === undefined ? [id] : [id, `${queue}\n${uniqueKey}`];
