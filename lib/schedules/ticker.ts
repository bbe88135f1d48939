import { signalOf } from '../enqueue/signal-of.js';
import { failureOf } from '../job/failure.js';
import type { Enqueued } from '../job/enqueue-options.js';
import type { NewJob } from '../job/new-job.js';
import { QueueError } from '../job/queue.errors.js';
import type { TickOutcome } from '../job/schedule.js';
import type { QueueEventBus } from '../observability/events.js';
import { QueuePolicies, type Retention } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { Uuid7 } from '../runtime/uuid7.js';
import type { DeclaredSchedules } from './declared-schedules.js';
import { dueSteps, type Step } from './due-times.js';
import { calendarOfRow } from './row-calendar.js';
import type { StoredSpec } from './stored-spec.js';
import { isUnhindered, TickJobs } from './tick-jobs.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import type { Run } from '../storage/connection/database.js';
import { undoable } from '../storage/connection/callers/undoable.js';
import type { Storage } from '../storage/storage.js';
import type { Signal } from '../storage/wake-ups/signals.js';
import { wakeUpOfCancel } from '../storage/wake-ups/wake-up.js';
import type { DueCounts, DueRow, Tick } from '../storage/schedules/schedule.repository.js';

/** How often it looks where neither the promoter nor a signal has told it of any, and sees whether its own are declared. */
const LOOK_MS = 30_000;
/** While ticks wait for the end of earlier jobs. */
const WAIT_MS = 1_000;
/** What somebody holds locked was skipped. */
const SKIPPED_REST_MS = 200;
/** As many of a kind as one look finds. */
const PAGE = 100;

/** Where it is turned: as the duties of `maintenance`, of which it is one. */
export interface TickerSite {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
  /** What handlers of this process declare, and the lease that vouches for it; not where no worker is. */
  declared?: DeclaredSchedules | undefined;
  lease?: () => string | undefined;
  /** How far behind a tick is not missed; tests miss none. */
  inTimeMs?: number;
}

/** What became of a time; `job` where it was enqueued. */
interface Made {
  outcome: TickOutcome;
  job?: NewJob;
  answer?: Enqueued;
  code?: string;
}

/**
 * Makes the ticks of schedules whose time has come. It reads them with the database's time, does the sums of calendars in Node.js while nothing
 * is locked, and then moves each one on from the time that it has read: whoever else did so first leaves it nothing to do.
 */
export class Ticker {
  private readonly jobs: TickJobs;
  private readonly archive: Retention;
  /** Schedules that cannot be worked, by hash: said once. */
  private readonly told = new Set<string>();
  /** What could not be moved, page by page, hides nothing behind it. */
  private passed: DueCounts = { due: 0, waiting: 0 };

  constructor(private readonly site: TickerSite) {
    const ids = new Uuid7();
    const { maxPayloadBytes } = site.options;
    this.jobs = new TickJobs({ storage: site.storage, maxPayloadBytes, newId: () => ids.next() });
    this.archive = new QueuePolicies(site.options).byQueue('archiveKeepMs');
  }

  async round(): Promise<number> {
    const { storage, declared, lease } = this.site;
    await declared?.check(lease?.());
    const { now, soonest, waits, due } = await storage.schedules.findDue(this.passed);
    const { moved, isFull } = await this.workAll(due, now);
    if (moved > 0 || isFull) return 0;
    if (due.length > 0 || (soonest !== null && soonest <= now)) return SKIPPED_REST_MS;
    const nextMs = soonest === null ? Infinity : Math.max(1, Math.ceil(soonest - now));
    return Math.min(nextMs, waits ? WAIT_MS : LOOK_MS, LOOK_MS);
  }

  /** `isFull`: there may be more behind them. The next look goes on there, also where one of them fails. */
  private async workAll(due: DueRow[], now: number): Promise<{ moved: number; isFull: boolean }> {
    const found = { due: 0, waiting: 0 };
    let moved = 0;
    for (const row of due) {
      const kind = row.waitingAt === null ? 'due' : 'waiting';
      found[kind]++;
      this.passed[kind]++;
      if (!(await this.work(row, now))) continue;
      this.passed[kind]--;
      moved++;
    }
    for (const kind of ['due', 'waiting'] as const) if (found[kind] < PAGE) this.passed[kind] = 0;
    return { moved, isFull: Math.max(found.due, found.waiting) === PAGE };
  }

  /** False: somebody else has, or holds it. What cannot be worked is in nobody's way. */
  private async work(row: DueRow, now: number): Promise<boolean> {
    try {
      if (row.waitingAt === -Infinity) return await this.site.storage.schedules.noneWaits(row);
      if (row.waitingAt !== null) return await this.letWaiting(row, Math.round(row.waitingAt));
      const plan = { spec: row.spec as StoredSpec, calendar: calendarOfRow(row) };
      const steps = dueSteps(plan, Math.round(row.nextAt!), now, this.site.inTimeMs);
      for (const step of steps) if (!(await this.take(row, step))) return false;
      return steps.length > 0;
    } catch (error) {
      if (error instanceof DatabaseError) throw error;
      this.complain(row, error);
      return false;
    }
  }

  private async take(row: DueRow, { missed, ...step }: Step): Promise<boolean> {
    if (missed === undefined) return this.make(row, step);
    const { storage } = this.site;
    const isDone = await storage.schedules.miss(
      storage.database.loops.run,
      { name: row.name, hash: row.hash, ...step },
      missed,
    );
    if (isDone) this.tell(row, step.at, { outcome: 'missed', times: missed });
    return isDone;
  }

  private async make(row: DueRow, step: Omit<Step, 'missed'>): Promise<boolean> {
    const job = await this.jobs.of(row, step.at).catch(refusal);
    const tick = { name: row.name, hash: row.hash, ...step };
    const isPlain =
      !('code' in job) && (row.spec as StoredSpec).overlap !== 'cancel' && isUnhindered(job);
    const made = isPlain ? await this.makePlain(tick, job) : await this.makeTogether(tick, job);
    if (made) this.announce(row, step.at, made);
    return made !== undefined;
  }

  /** One statement. Where the database does not know the lane any more, it goes again under its new number. */
  private async makePlain(tick: Tick | Omit<Tick, 'job'>, job: NewJob): Promise<Made | undefined> {
    const { schedules, database, lanes } = this.site.storage;
    const asked = () => schedules.tick(database.loops.run, { ...tick, job: job.id }, job);
    let answer = await asked();
    if (!answer) {
      await lanes.renew([job.lane]);
      answer = await asked();
    }
    return answer && { outcome: answer.outcome ?? 'existing', job };
  }

  /** The tick and its job in one transaction: a job that has a key, a group or a limit, or that cancels the one before. */
  private async makeTogether(
    tick: Omit<Tick, 'job'>,
    job: NewJob | QueueError,
  ): Promise<Made | undefined> {
    const { schedules, database, cancels, signals } = this.site.storage;
    let news: Signal | undefined;
    const made = await database.loops.transaction(async (run) => {
      const id = 'code' in job ? null : job.id;
      const ticked = await schedules.tick(run, { ...tick, job: id });
      if (!ticked) return undefined;
      if (ticked.outcome !== 'enqueued') return { outcome: ticked.outcome ?? 'existing' };
      if (ticked.live.length > 0 && !('code' in job))
        news = wakeUpOfCancel(await cancels.byId(run, ticked.live, this.archive));
      return this.store(run, tick, job);
    });
    if (news) signals.send(news);
    return made;
  }

  private letWaiting(row: DueRow, at: number): Promise<boolean> {
    const { schedules, database } = this.site.storage;
    return database.loops
      .transaction(async (run) => {
        const job = await this.jobs.of(row, at).catch(refusal);
        const isTaken = await schedules.takeWaiting(run, {
          name: row.name,
          hash: row.hash,
          at,
          job: 'code' in job ? null : job.id,
        });
        return isTaken ? this.store(run, { name: row.name, at }, job) : undefined;
      })
      .then((made) => {
        if (made) this.announce(row, at, made);
        return made !== undefined;
      });
  }

  /** A refusal is what became of this time, and no reason to ask again. */
  private async store(
    run: Run,
    tick: Pick<Tick, 'name' | 'at'>,
    job: NewJob | QueueError,
  ): Promise<Made> {
    const { schedules, enqueues } = this.site.storage;
    const answer =
      'code' in job
        ? job
        : await undoable(run, () => enqueues.insertIn(run, [job])).then(([one]) => one!, refusal);
    if ('code' in answer) {
      await schedules.note(run, tick, { outcome: 'refused', code: answer.code });
      return { outcome: 'refused', code: answer.code };
    }
    if (!answer.created) await schedules.note(run, tick, { outcome: 'existing', job: answer.id });
    return { outcome: answer.created ? 'enqueued' : 'existing', job: job as NewJob, answer };
  }

  private announce(row: DueRow, at: number, { outcome, job, answer, code }: Made): void {
    const { storage, events } = this.site;
    if (outcome === 'enqueued' && job) {
      storage.signals.send(signalOf([job]));
      const { queue, name } = job.lane;
      events.emit('enqueued', () => ({ id: job.id, queue, name, outcome: 'created' }));
    }
    this.tell(row, at, { outcome, code, jobId: outcome === 'enqueued' ? job?.id : answer?.id });
  }

  private tell(
    { name, spec }: DueRow,
    at: number,
    made: { outcome: TickOutcome; code?: string; jobId?: string; times?: number },
  ): void {
    const given = Object.entries(made).filter(([, value]) => value !== undefined);
    const tick = {
      schedule: name,
      queue: (spec as StoredSpec).queue,
      at: new Date(at),
      ...(Object.fromEntries(given) as typeof made),
    };
    this.site.events.emit('ticked', () => tick);
  }

  private complain({ name, hash }: DueRow, error: unknown): void {
    if (this.told.has(hash)) return;
    this.told.add(hash);
    const message = `Schedule "${name}" cannot be worked by this release: ${failureOf(error).message} Put it again, or pause it.`;
    this.site.events.emit('warning', () => ({ code: 'SCHEDULE_BROKEN', message }));
  }
}

/** What the library itself refuses; an error of the database is a reason to try again. */
function refusal(error: unknown): QueueError {
  if (error instanceof QueueError && !(error instanceof DatabaseError)) return error;
  throw error;
}
