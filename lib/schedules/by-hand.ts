import { types } from 'node:util';
import { signalOf } from '../enqueue/signal-of.js';
import { checkFlag, invalid } from '../enqueue/option-checks.js';
import type { Enqueued } from '../job/enqueue-options.js';
import type { NewJob } from '../job/new-job.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { setAges } from '../runtime/ago.js';
import { Uuid7 } from '../runtime/uuid7.js';
import type { Run } from '../storage/connection/database.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import { undoable } from '../storage/connection/callers/undoable.js';
import type { ScheduleRow } from '../storage/schedules/schedule.repository.js';
import type { Storage } from '../storage/storage.js';
import { calendarOfRow } from './row-calendar.js';
import { TickJobs } from './tick-jobs.js';

/** The job that a trigger has enqueued; `at` is in its `job.schedule`. */
export interface Triggered extends Enqueued {
  at: Date;
}

/** What a backfill has enqueued, or would enqueue. */
export interface Backfilled {
  /** Times that get a job, the oldest first. */
  times: Date[];
  /** Their jobs, in that order; empty for a dry run. */
  jobs: Enqueued[];
}

type Known = ScheduleRow & { now: number };
type Read = (run: Run) => Promise<Known>;

const MOST_TIMES = 1_000;
/** Of the same millisecond. */
const MOST_TRIGGERS = 100;
/** Of what is made up for by hand: an outcome other than these has, or had, its job. */
const OPEN: ReadonlySet<string> = new Set(['skipped', 'missed', 'refused']);

/** Ticks that a person, or a program, asks for. */
export class ByHand {
  private readonly jobs: TickJobs;

  constructor(
    private readonly storage: Storage,
    options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {
    const ids = new Uuid7();
    this.jobs = new TickJobs({
      storage,
      maxPayloadBytes: options.maxPayloadBytes,
      newId: () => ids.next(),
    });
  }

  async trigger(joined: Joined | undefined, read: Read): Promise<Triggered> {
    return this.inOne(joined, async (run, announce) => {
      const row = await read(run);
      const now = Math.floor(row.now);
      for (let at = now; at < now + MOST_TRIGGERS; at++) {
        const [answer] = await this.enqueue(
          run,
          { row, times: [at], outcome: 'triggered' },
          announce,
        );
        if (answer) return { ...answer, at: new Date(at) };
      }
      throw new QueueError(
        'TRANSACTION_CONFLICT',
        `Schedule "${row.name}" was triggered ${MOST_TRIGGERS} times within this millisecond. Try again.`,
      );
    });
  }

  async backfill(
    joined: Joined | undefined,
    read: Read,
    { from, to, dryRun }: { from: Date; to: Date; dryRun?: boolean },
  ): Promise<Backfilled> {
    checkSpan(from, to, dryRun);
    return this.inOne(joined, async (run, announce) => {
      const row = await read(run);
      await setAges({ from, to }, () => Promise.resolve(row.now));
      const times = timesBetween(row, from, to);
      if (times.length === 0) return { times: [], jobs: [] };
      const range = { limit: 2 * MOST_TIMES, from: times[0]!, to: times.at(-1)! };
      const had = new Set(
        (await this.storage.schedules.ticks(run, row.name, range))
          .filter(({ outcome }) => !OPEN.has(outcome))
          .map(({ at }) => Math.round(at)),
      );
      const open = times.filter((at) => !had.has(at));
      const jobs =
        dryRun || open.length === 0
          ? []
          : await this.enqueue(run, { row, times: open, outcome: 'backfilled' }, announce);
      return { times: open.map((at) => new Date(at)), jobs };
    });
  }

  /** Their ticks and their jobs, or neither. Fewer rows: somebody else has made the others meanwhile. */
  private async enqueue(
    run: Run,
    { row, times, outcome }: { row: Known; times: number[]; outcome: 'triggered' | 'backfilled' },
    announce: (jobs: NewJob[], answers: Enqueued[]) => void,
  ): Promise<Enqueued[]> {
    const jobs: NewJob[] = [];
    for (const at of times) jobs.push(await this.jobs.of(row, at, { jitter: false }));
    const ticks = times.map((at, index) => ({ at, job: jobs[index]!.id }));
    const added = new Set(await this.storage.schedules.add(run, row.name, ticks, outcome));
    const wanted = jobs.filter(({ id }) => added.has(id));
    if (wanted.length === 0) return [];
    const answers = await this.storage.enqueues.insertIn(run, wanted);
    for (const [index, { created, id }] of answers.entries()) {
      const at = times[jobs.indexOf(wanted[index]!)]!;
      if (!created)
        await this.storage.schedules.note(
          run,
          { name: row.name, at },
          { outcome: 'existing', job: id },
        );
    }
    announce(wanted, answers);
    return answers;
  }

  /** In the caller's transaction, or in one of our own: all or nothing in either. */
  private async inOne<T>(
    joined: Joined | undefined,
    work: (run: Run, announce: (jobs: NewJob[], answers: Enqueued[]) => void) => Promise<T>,
  ): Promise<T> {
    const stored: [NewJob[], Enqueued[]][] = [];
    const announce = (jobs: NewJob[], answers: Enqueued[]): void =>
      void stored.push([jobs, answers]);
    const { waiters } = this.storage.database;
    const done = joined
      ? await joined.alone((run) => undoable(run, () => work(run, announce)))
      : await waiters.about(() => ['schedule']).transaction((run) => work(run, announce));
    for (const [jobs, answers] of stored) this.tell(jobs, answers, joined);
    return done;
  }

  private tell(jobs: NewJob[], answers: Enqueued[], joined: Joined | undefined): void {
    this.storage.signals.send(signalOf(jobs), joined?.runner);
    jobs.forEach(({ lane: { queue, name } }, index) => {
      const { id, outcome } = answers[index]!;
      this.events.emit('enqueued', () => ({ id, queue, name, outcome }));
    });
  }
}

function checkSpan(from: unknown, to: unknown, dryRun: unknown): void {
  for (const [option, date] of Object.entries({ from, to }))
    if (!types.isDate(date) || !(date.getTime() >= 0))
      throw invalid(`${option} must be a valid Date, not before 1970`, 'backfill');
  if ((from as Date) >= (to as Date)) throw invalid('from must be before to', 'backfill');
  checkFlag('dryRun', dryRun as boolean | undefined);
}

function timesBetween(row: Known, from: Date, to: Date): number[] {
  if (to.getTime() > row.now)
    throw invalid('to lies in the future, where the schedule makes its times itself', 'backfill');
  const calendar = calendarOfRow(row);
  const times: number[] = [];
  for (
    let at = calendar.next(from.getTime() - 1);
    at !== undefined && at < to.getTime();
    at = calendar.next(at)
  ) {
    times.push(at);
    if (times.length > MOST_TIMES) throw tooLarge(row.name);
  }
  return times;
}

function tooLarge(name: string): QueueError {
  return new QueueError(
    'SCHEDULE_TOO_LARGE',
    `Schedule "${name}" has more than ${MOST_TIMES} times in that span, the most of one backfill. Nothing was enqueued. Give shorter spans.`,
  );
}
