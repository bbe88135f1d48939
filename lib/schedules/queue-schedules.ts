import { checkCall } from '../enqueue/call-options.js';
import type { InTransaction } from '../job/enqueue-options.js';
import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { NewSchedule, Schedule, ScheduleRule, ScheduleTick } from '../job/schedule.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { isText } from '../job/values/text.js';
import { closestWord } from '../runtime/closest-word.js';
import { later } from '../runtime/later.js';
import { whole } from '../runtime/rules.js';
import type { Run } from '../storage/connection/database.js';
import { timeOf } from '../storage/connection/database-time.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import type { ScheduleRow, TickRow } from '../storage/schedules/schedule.repository.js';
import type { Storage } from '../storage/storage.js';
import type { Backfilled, ByHand, Triggered } from './by-hand.js';
import type { DeclaredSchedules } from './declared-schedules.js';
import { draftOf, neverRuns } from './draft.js';
import { runTimeOf } from './jitter.js';
import { foreign, isDeclared, ScheduleBook } from './schedule-book.js';
import { checkRules, checkScheduleName } from './spec-rules.js';
import { scheduleOf, specOf, type StoredSpec } from './stored-spec.js';
import { timesOf } from './times-of.js';

/** Which schedules to list. */
export interface ListSchedulesOptions {
  /** Whose: default this instance's own (`schedules: { owner }`). */
  owner?: string;
  /** Behind this name, for the next page. */
  after?: string;
  /** 1 to 1,000, the default. */
  limit?: number;
}

/** From when to when times are made up for: `from` and later, before `to`, which is not in the future. */
export interface BackfillOptions extends InTransaction {
  from: Date;
  to: Date;
  /** Only answers which times would get a job. */
  dryRun?: boolean;
}

const MAX_LISTED = 1_000;

/**
 * The schedules of an instance. Times are found by the database's clock; whichever worker looks first makes a tick, and nobody makes it twice.
 * A call with `manager` (or inside an ambient transaction) takes effect if and only if that transaction commits.
 */
export class QueueSchedules {
  private readonly book: ScheduleBook;
  private readonly byHand: ByHand;

  /** @internal The module makes it. `owner` undefined: whoever asks may act on all of them. */
  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly parts: {
      events: QueueEventBus;
      declared?: DeclaredSchedules;
      owner?: string | undefined;
    },
  ) {
    this.book = new ScheduleBook(storage.schedules);
    this.byHand = later(async () => {
      const { ByHand } = await import('./by-hand.js');
      return new ByHand(storage, options, parts.events);
    });
  }

  /**
   * Keeps a schedule in the database: makes it, or changes it where anything is new. It is worked by any worker, from its next time on.
   * @throws QueueError `SCHEDULE_PATTERN_INVALID`, `SCHEDULE_ZONE_UNKNOWN`, `SCHEDULE_NEVER_RUNS`, `SCHEDULE_FOREIGN` (another owner's),
   * `SCHEDULE_DECLARED` (declared in code), and as `QueueService.enqueue`. What is refused has changed nothing.
   */
  async put(name: string, schedule: NewSchedule, options: InTransaction = {}): Promise<Schedule> {
    checkCall('put', options);
    const joined = this.joined(options);
    const draft = await draftOf(checkScheduleName(name), schedule, {
      options: this.options,
      call: 'put',
    });
    return this.acting(joined, async (run) => {
      await this.book.write(run, draft, { owner: this.options.schedules.owner });
      return scheduleOf(await this.rowOf(run, name));
    });
  }

  /** Lets nothing happen until it is resumed, whatever is restarted or deployed. @throws QueueError `SCHEDULE_UNKNOWN`, `SCHEDULE_FOREIGN` */
  async pause(name: string, options: InTransaction = {}): Promise<void> {
    checkCall('pause', options);
    await this.acting(this.joined(options), async (run) => {
      await this.ownRow(run, name);
      await this.storage.schedules.pause(run, name);
    });
  }

  /** Goes on with the next time from now; what came meanwhile was not missed. @throws QueueError as `pause` */
  async resume(name: string, options: InTransaction = {}): Promise<void> {
    checkCall('resume', options);
    await this.acting(this.joined(options), async (run) => {
      await this.ownRow(run, name);
      const { calendarOfRow } = await calendars();
      await this.book.resume(run, name, (row, now) => calendarOfRow(row).next(now));
    });
  }

  /**
   * Enqueues its job now, whatever its times are, whether it is paused, and whatever runs.
   * @throws QueueError as `pause`, and as `QueueService.enqueue`
   */
  async trigger(name: string, options: InTransaction = {}): Promise<Triggered> {
    checkCall('trigger', options);
    return this.byHand.trigger(this.joined(options), (run) => this.ownRow(run, name));
  }

  /**
   * Enqueues a job for each time from `from` until `to` that has none yet, the oldest first, whatever runs; at most 1,000.
   * @throws QueueError as `trigger`, `SCHEDULE_TOO_LARGE`, `INVALID_OPTION`
   */
  async backfill(name: string, options: BackfillOptions): Promise<Backfilled> {
    checkCall('backfill', options);
    return this.byHand.backfill(this.joined(options), (run) => this.ownRow(run, name), options);
  }

  /**
   * When the jobs of the next `count` times will run, with their jitter, the earliest first: of a schedule by its name, or of a rule that is not kept anywhere.
   * @throws QueueError `SCHEDULE_UNKNOWN`, and as `put` for a rule
   */
  async preview(schedule: string | ScheduleRule, count = 10): Promise<Date[]> {
    checkCount('preview', 'count', count);
    const { run } = this.storage.database.callers;
    if (typeof schedule !== 'string') return this.previewRule(run, schedule, count);
    const row = await this.rowOf(run, schedule);
    const { jitterMs } = row.spec as StoredSpec;
    const { calendarOfRow } = await calendars();
    const times = await timesOf(calendarOfRow(row), row.now, count);
    const runs = times.map((at) => runTimeOf(schedule, at, jitterMs)).sort((a, b) => a - b);
    return runs.map((at) => new Date(at));
  }

  /** The schedule, whoever owns it; undefined: there is none. */
  async find(name: string, options: InTransaction = {}): Promise<Schedule | undefined> {
    checkCall('schedules.find', options);
    const read = (run: Run) => this.storage.schedules.byName(run, [checkScheduleName(name)]);
    const [row] = await this.storage.database.within(this.joined(options), read);
    return row && scheduleOf(row);
  }

  /** In the order of their names. */
  async list(options: ListSchedulesOptions = {}): Promise<Schedule[]> {
    checkCall('list', options);
    const { owner = this.parts.owner, after, limit = MAX_LISTED } = options;
    checkCount('list', 'limit', limit);
    checkOwner('list', owner);
    if (after) checkScheduleName(after);
    const { callers } = this.storage.database;
    return (await this.storage.schedules.list(callers.run, { owner, after, limit })).map(
      scheduleOf,
    );
  }

  /** What became of its last times, the latest first. */
  async ticks(name: string, options: { limit?: number } = {}): Promise<ScheduleTick[]> {
    checkCall('ticks', options);
    const { limit = 20 } = options;
    checkCount('ticks', 'limit', limit);
    const { callers } = this.storage.database;
    return (
      await this.storage.schedules.ticks(callers.run, checkScheduleName(name), { limit })
    ).map(tickOf);
  }

  /**
   * Deletes a schedule that `put` has made; its jobs stay. False: there is none.
   * @throws QueueError `SCHEDULE_FOREIGN`, `SCHEDULE_DECLARED`
   */
  async remove(name: string, options: InTransaction = {}): Promise<boolean> {
    checkCall('remove', options);
    return this.acting(this.joined(options), async (run) => {
      const [row] = await this.storage.schedules.byName(run, [checkScheduleName(name)]);
      if (!row) return false;
      this.refuseForeign(row);
      if (row.declared) throw isDeclared(name, 'removed');
      return (await this.storage.schedules.remove(run, [name])).length > 0;
    });
  }

  /** Deletes the declared schedules of this owner that neither this build nor a worker that is alive declares; answers their names. A dry run only answers. */
  async prune(options: { owner?: string; dryRun?: boolean } = {}): Promise<string[]> {
    checkCall('prune', options);
    const { owner = this.parts.owner, dryRun = false } = options;
    checkOwner('prune', owner);
    const { run } = this.storage.database.waiters;
    const gone: string[] = [];
    for (let after = ''; ;) {
      const rows = await this.storage.schedules.list(run, { owner, after, limit: MAX_LISTED });
      const names = rows.filter((row) => this.isUndeclared(row)).map(({ name }) => name);
      const isDone = dryRun || names.length === 0;
      gone.push(...(isDone ? names : await this.storage.schedules.remove(run, names, owner)));
      if (rows.length < MAX_LISTED) return gone;
      after = rows.at(-1)!.name;
    }
  }

  private isUndeclared({ name, declared, isDeclared }: ScheduleRow): boolean {
    return declared && !isDeclared && !this.parts.declared?.has(name);
  }

  private joined(options: InTransaction): Joined | undefined {
    return this.storage.database.transactionOf(options);
  }

  /** Writes, and wakes whoever ticks: the next time may be sooner now. */
  private async acting<T>(joined: Joined | undefined, work: (run: Run) => Promise<T>): Promise<T> {
    const { database, signals } = this.storage;
    const done = await database.within(joined, work, database.waiters);
    signals.send({ lanes: [], schedules: true }, joined?.runner);
    return done;
  }

  private async previewRule(run: Run, rule: ScheduleRule, count: number): Promise<Date[]> {
    checkRules(rule, 'preview', 'the rule');
    const { calendarOf } = await import('./calendar/calendar.js');
    const times = await timesOf(calendarOf(specOf(rule)), await timeOf(run), count);
    if (times.length === 0) throw neverRuns('preview');
    return times.map((at) => new Date(at));
  }

  private async ownRow(run: Run, name: string): Promise<ScheduleRow & { now: number }> {
    const row = await this.rowOf(run, name);
    this.refuseForeign(row);
    return row;
  }

  private async rowOf(run: Run, name: string): Promise<ScheduleRow & { now: number }> {
    const [row] = await this.storage.schedules.byName(run, [checkScheduleName(name)]);
    if (row) return row;
    throw await this.unknown(run, name);
  }

  private async unknown(run: Run, name: string): Promise<QueueError> {
    const page = { owner: undefined, after: undefined, limit: MAX_LISTED };
    const known = (await this.storage.schedules.list(run, page)).map((row) => row.name);
    const closest = closestWord(name, known);
    const hint = closest ? `Did you mean "${closest}"?` : 'A declared one is known once its application has started with a worker.'; // prettier-ignore
    return new QueueError('SCHEDULE_UNKNOWN', `There is no schedule ${quote(name)}. ${hint}`);
  }

  private refuseForeign({ name, owner }: ScheduleRow): void {
    if (this.parts.owner !== undefined && owner !== this.parts.owner)
      throw foreign(name, owner, this.parts.owner);
  }
}

/** A process that asks for no times loads none of them. */
const calendars = () => import('./row-calendar.js');

function checkCount(call: string, option: string, value: unknown): void {
  const problems = whole(1, MAX_LISTED)(value, option);
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `${call}: ${problems.join('; ')}.`);
}

function checkOwner(call: string, owner: unknown): void {
  if (owner === undefined || (isText(owner) && owner !== '')) return;
  throw new QueueError('INVALID_OPTION', `${call}: owner must be a name, not ${quote(owner)}.`);
}

function tickOf({ at, madeAt, outcome, jobId, times, code }: TickRow): ScheduleTick {
  const given = Object.entries({ jobId, times, code }).filter(([, value]) => value !== null);
  return {
    at: new Date(Math.round(at)),
    madeAt: new Date(Math.round(madeAt)),
    outcome,
    ...Object.fromEntries(given),
  };
}
