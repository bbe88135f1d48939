import { QueueError } from '../job/queue.errors.js';
import type { Run } from '../storage/connection/database.js';
import { timeOf } from '../storage/connection/database-time.js';
import type { ScheduleRepository, ScheduleRow } from '../storage/schedules/schedule.repository.js';
import { neverRuns, type Draft } from './draft.js';

/** A schedule may be ticked, paused and changed between a look and a write, again and again in theory. */
const MAX_ROUNDS = 5;

/** Whose word writes a schedule. */
interface Writer {
  owner: string;
  /** Of the worker that vouches for a declared one. */
  lease?: string | undefined;
}

/** Reads and writes schedules: what is written rests on what was read, or is read again. */
export class ScheduleBook {
  constructor(private readonly schedules: ScheduleRepository) {}

  /**
   * Writes a schedule where it says something new. A time that has come and has not been ticked yet stays due: the new plan counts from it.
   * @throws QueueError `SCHEDULE_FOREIGN`, `SCHEDULE_DECLARED`, `SCHEDULE_NEVER_RUNS`, `TRANSACTION_CONFLICT`
   */
  async write(run: Run, draft: Draft, { owner, lease }: Writer): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const [known] = await this.schedules.byName(run, [draft.name]);
      if (known) refuseOthers(known, draft, owner);
      if (known?.hash === draft.hash && known.declared === draft.declared) return;
      const next = draft.calendar.next(known ? fromOf(known) : await timeOf(run));
      if (next === undefined && !draft.declared) throw neverRuns(draft.name);
      const { name, declared, payload, hash } = draft;
      const spec = JSON.stringify(draft.spec);
      if (
        await this.schedules.put(run, {
          name,
          owner,
          spec,
          payload,
          hash,
          declared,
          next,
          known,
          seenBy: lease,
        })
      )
        return;
    }
    throw restless(draft.name);
  }

  /** Lets it go on from now: what came meanwhile was not wanted. */
  async resume(
    run: Run,
    name: string,
    nextOf: (row: ScheduleRow, now: number) => number | undefined,
  ): Promise<boolean> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const [known] = await this.schedules.byName(run, [name]);
      if (!known) return false;
      if (
        known.pausedAt === null ||
        (await this.schedules.resume(run, known, nextOf(known, known.now)))
      )
        return true;
    }
    throw restless(name);
  }
}

const fromOf = ({ nextAt, now, pausedAt }: ScheduleRow & { now: number }): number =>
  nextAt !== null && nextAt <= now && pausedAt === null ? nextAt - 1 : now;

function refuseOthers(known: ScheduleRow, draft: Draft, owner: string): void {
  if (known.owner !== owner) throw foreign(known.name, known.owner, owner);
  if (known.declared && !draft.declared) throw isDeclared(known.name, 'changed by put()');
}

export function foreign(name: string, owner: string, asker: string): QueueError {
  const message = `Schedule "${name}" belongs to "${owner}", not to "${asker}". Give it another name, or the same owner to both: forRoot({ schedules: { owner } }).`;
  return new QueueError('SCHEDULE_FOREIGN', message);
}

export function isDeclared(name: string, what: string): QueueError {
  const message = `Schedule "${name}" is declared in code (@QueueSchedule) and cannot be ${what}. Change or remove the decorator; prune() then removes what no code declares, and pause() stops it at once.`;
  return new QueueError('SCHEDULE_DECLARED', message);
}

function restless(name: string): QueueError {
  return new QueueError(
    'TRANSACTION_CONFLICT',
    `Schedule "${name}" changed ${MAX_ROUNDS} times while it was being written. Try again.`,
  );
}
