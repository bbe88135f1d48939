import type { TickOutcome } from '../../job/schedule.js';
import type { NewJob } from '../../job/new-job.js';
import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { ADD_TICKS } from './add-ticks.sql.js';
import { FIND_DUE_SCHEDULES } from './find-due.sql.js';
import { FIND_SCHEDULES, LIST_SCHEDULES } from './list-schedules.sql.js';
import { LIST_TICKS } from './list-ticks.sql.js';
import { MAKE_TICK } from './make-tick.sql.js';
import { MOVE_SCHEDULE } from './move-schedule.sql.js';
import { NOTE_TICK } from './note-tick.sql.js';
import { PURGE_TICKS } from './purge-ticks.sql.js';
import { PUT_SCHEDULE } from './put-schedule.sql.js';
import { LET_TICKS_GO, REMOVE_SCHEDULES } from './remove-schedules.sql.js';
import { SEE_SCHEDULES } from './see-schedules.sql.js';
import { NONE_WAITS, TAKE_WAITING_TICK } from './take-waiting.sql.js';

/** A schedule as it lies; times are milliseconds since 1970. */
export interface ScheduleRow {
  name: string;
  owner: string;
  /** `StoredSpec` of the room `schedules`. */
  spec: unknown;
  /** JSON. */
  payload: string | null;
  hash: string;
  declared: boolean;
  waiting: number;
  createdAt: number;
  pausedAt: number | null;
  nextAt: number | null;
  lastAt: number | null;
  /** The worker that vouches for it still lives. */
  alive: boolean;
  /** A worker that lives declares its name. */
  isDeclared: boolean;
  /** Of the latest time; not where schedules are found because they are due. */
  lastOutcome?: TickOutcome | null;
}

/** `waitingAt`: the tick that may go on now; -Infinity: it is gone. */
export type DueRow = ScheduleRow & { waitingAt: number | null };

/** How many of those that are due, and of those whose waiting tick may go on. */
export interface DueCounts {
  due: number;
  waiting: number;
}

interface DueSchedules {
  /** The database's time. */
  now: number;
  /** When the next schedule is due; null: none will be. */
  soonest: number | null;
  /** Ticks wait for the end of earlier jobs. */
  waits: boolean;
  due: DueRow[];
}

export interface Tick {
  name: string;
  at: number;
  /** The next time after it; undefined: there is none. */
  next: number | undefined;
  /** The id of its job; null: there is none to store. */
  job: string | null;
  /** Of the schedule as it was read. */
  hash: string;
}

interface PutValues {
  name: string;
  owner: string;
  spec: string;
  payload: string;
  hash: string;
  declared: boolean;
  next: number | undefined;
  seenBy?: string | undefined;
  /** The one that was read; undefined: there was none. */
  known?: Pick<ScheduleRow, 'hash' | 'nextAt'> | undefined;
}

export interface TickRow {
  at: number;
  madeAt: number;
  outcome: TickOutcome;
  jobId: string | null;
  times: number | null;
  code: string | null;
}

/** To the millisecond, as it is kept. */
const textOf = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : new Date(Math.round(at)).toISOString();

const NO_JOB: unknown[] = [null, null, null, null, null, null, null];

export class ScheduleRepository {
  constructor(private readonly database: Database) {}

  /** At most 100 of each kind, behind the first `passed`. */
  async findDue(passed: DueCounts = { due: 0, waiting: 0 }): Promise<DueSchedules> {
    const rows = await this.database.loops.run<DueRow & Omit<DueSchedules, 'due'>>(
      FIND_DUE_SCHEDULES,
      [SHARD, passed.due, passed.waiting],
    );
    const { now, soonest, waits } = rows[0]!;
    return { now, soonest, waits, due: rows.filter(({ name }) => name !== null) };
  }

  /**
   * Moves on from a time, and stores `plain` beside it. `undefined`: somebody else has, or holds the schedule, or the lane is not known.
   * An outcome of null: that time had a tick already.
   */
  async tick(
    run: Run,
    { name, at, next, job, hash }: Tick,
    plain?: NewJob,
  ): Promise<{ outcome: TickOutcome | null; live: string[] } | undefined> {
    const values = [
      SHARD,
      name,
      textOf(at),
      textOf(next),
      job,
      'enqueued',
      null,
      ...(plain ? jobValues(plain) : NO_JOB),
      hash,
    ];
    return (await run<{ outcome: TickOutcome | null; live: string[] }>(MAKE_TICK, values))[0];
  }

  /** Moves past times that are not made up for; false as above. */
  async miss(
    run: Run,
    { name, at, next, hash }: Omit<Tick, 'job'>,
    times: number,
  ): Promise<boolean> {
    const values = [SHARD, name, textOf(at), textOf(next), null, 'missed', times, ...NO_JOB, hash];
    return (await run(MAKE_TICK, values)).length > 0;
  }

  async takeWaiting(run: Run, { name, at, job, hash }: Omit<Tick, 'next'>): Promise<boolean> {
    return (await run(TAKE_WAITING_TICK, [SHARD, name, textOf(at), job, hash])).length > 0;
  }

  /** The ticks that waited are gone: nothing waits for them any more. */
  async noneWaits({ name, waiting, hash }: ScheduleRow): Promise<boolean> {
    return (await this.database.loops.run(NONE_WAITS, [SHARD, name, waiting, hash])).length > 0;
  }

  async note(
    run: Run,
    { name, at }: Pick<Tick, 'name' | 'at'>,
    became: { outcome: TickOutcome; job?: string; code?: string },
  ): Promise<void> {
    await run(NOTE_TICK, [
      SHARD,
      name,
      textOf(at),
      became.outcome,
      became.job ?? null,
      became.code ?? null,
    ]);
  }

  /** False: it is not as it was read. */
  async put(run: Run, given: PutValues): Promise<boolean> {
    const { name, owner, spec, payload, hash, declared, next, known, seenBy = null } = given;
    const values = [
      SHARD,
      name,
      owner,
      spec,
      payload,
      hash,
      declared,
      textOf(next),
      known?.hash ?? null,
      textOf(known?.nextAt),
      seenBy,
    ];
    return (await run(PUT_SCHEDULE, values)).length > 0;
  }

  byName(run: Run, names: readonly string[]): Promise<(ScheduleRow & { now: number })[]> {
    return run(FIND_SCHEDULES, [SHARD, names]);
  }

  list(
    run: Run,
    { owner, after = '', limit }: { owner?: string | undefined; after?: string; limit: number },
  ): Promise<(ScheduleRow & { now: number })[]> {
    return run(LIST_SCHEDULES, [SHARD, owner ?? null, after, limit]);
  }

  async pause(run: Run, name: string): Promise<boolean> {
    return (await run(MOVE_SCHEDULE, [SHARD, name, true, null, null])).length > 0;
  }

  async resume(
    run: Run,
    { name, nextAt }: Pick<ScheduleRow, 'name' | 'nextAt'>,
    next: number | undefined,
  ): Promise<boolean> {
    return (
      (await run(MOVE_SCHEDULE, [SHARD, name, false, textOf(next), textOf(nextAt)])).length > 0
    );
  }

  /** `lease`: null where it is not taken yet. */
  async see(
    lease: string | null,
    declared: readonly Pick<ScheduleRow, 'name' | 'hash'>[],
  ): Promise<void> {
    const [names, hashes] = [declared.map(({ name }) => name), declared.map(({ hash }) => hash)];
    await this.database.loops.run(SEE_SCHEDULES, [SHARD, names, hashes, lease]);
  }

  /** Ids of the jobs whose times had none yet. */
  async add(
    run: Run,
    name: string,
    ticks: readonly { at: number; job: string }[],
    outcome: 'triggered' | 'backfilled',
  ): Promise<string[]> {
    const values = [
      SHARD,
      name,
      ticks.map(({ at }) => textOf(at)),
      ticks.map(({ job }) => job),
      outcome,
      outcome === 'triggered',
    ];
    return (await run<{ job: string }>(ADD_TICKS, values)).map(({ job }) => job);
  }

  async remove(run: Run, names: readonly string[], owner?: string): Promise<string[]> {
    const gone = await run<{ name: string }>(REMOVE_SCHEDULES, [SHARD, names, owner ?? null]);
    const removed = gone.map(({ name }) => name);
    if (removed.length > 0) await run(LET_TICKS_GO, [SHARD, removed]);
    return removed;
  }

  ticks(
    run: Run,
    name: string,
    { limit, from, to }: { limit: number; from?: number; to?: number },
  ): Promise<TickRow[]> {
    return run(LIST_TICKS, [SHARD, name, limit, textOf(from), textOf(to)]);
  }

  async purge(keepMs: number): Promise<number> {
    return (await this.database.loops.run<{ purged: number }>(PURGE_TICKS, [SHARD, keepMs]))[0]!
      .purged;
  }
}

function jobValues({ lane, priority, at, fingerprint, options, payload }: NewJob): unknown[] {
  return [
    lane.id,
    lane.queueId,
    priority,
    textOf(at?.getTime()),
    fingerprint ?? null,
    options ?? null,
    payload,
  ];
}
