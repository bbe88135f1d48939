import type { ChangeAnswer } from '../../job/enqueue-options.js';
import { isDead, type JobState, type LiveState } from '../../job/job-state.js';
import { QueueError } from '../../job/queue.errors.js';
import type { CheckedChanges } from '../../options/job-changes.js';
import type { FindRepository } from '../reading/find.repository.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { wakeUpFor } from '../wake-ups/wake-up.js';
import type { Signal } from '../wake-ups/signal.js';
import { CHANGE_DEAD } from './change-dead.sql.js';
import { CHANGE } from './change.sql.js';

interface Changed {
  lane: number;
  fair: boolean | null;
  /** It waits for a permit of its key; before, it had one or waited. */
  keyed: boolean;
  wasKeyed: boolean;
  suspect: boolean | null;
  refused: 'ordered' | 'keyed' | null;
  changed: boolean;
  state: LiveState;
}

type ChangedDead = Pick<Changed, 'refused' | 'changed'> & { state: JobState };

/** A job may move between two looks, again and again in theory. */
const MAX_LOOKS = 5;
const WAITS: readonly string[] = ['staged', 'blocked', 'scheduled', 'ready'] satisfies LiveState[];

/** Changes of jobs that wait, and of dead letters. */
export class ChangeRepository {
  constructor(private readonly jobs: FindRepository) {}

  /** What became of it, and whom to wake. @throws QueueError `INVALID_OPTION` for a priority of an ordered job; `LIMIT_KEY_INVALID`; `TRANSACTION_CONFLICT`. */
  async change(
    run: Run,
    id: string,
    changes: CheckedChanges,
  ): Promise<ChangeAnswer & { signal?: Signal }> {
    const values = [SHARD, [id], ...given(changes), ...(await this.keyOf(run, id, changes)), false];
    for (let look = 0; look < MAX_LOOKS; look++) {
      const [row] = await run<Changed>(CHANGE, values);
      if (row?.refused) throw REFUSALS[row.refused](id);
      if (row?.changed) return { id, changed: true, state: row.state, ...signalFor(row) };
      const state = (await this.jobs.find(id, run))?.state;
      if (state === undefined || !WAITS.includes(state))
        return { id, changed: false, ...(state && { state }) };
    }
    throw new QueueError(
      'TRANSACTION_CONFLICT',
      `change: job ${id} moved ${MAX_LOOKS} times meanwhile. Ask again.`,
    );
  }

  /**
   * The same of a job that waits or is a dead letter, which only an operator runs again: the corrected payload is for that run, and its time
   * is that of the retry.
   */
  async changeAlsoDead(
    run: Run,
    id: string,
    changes: CheckedChanges,
  ): Promise<ChangeAnswer & { signal?: Signal }> {
    const answer = await this.change(run, id, changes);
    if (answer.changed || !answer.state || !isDead(answer.state)) return answer;
    if (changes.at !== undefined || changes.delayMs !== undefined) throw timeless(id, answer.state);
    return this.changeDead(run, id, changes);
  }

  private async changeDead(run: Run, id: string, changes: CheckedChanges): Promise<ChangeAnswer> {
    const [, , ...carried] = given(changes);
    const key = await this.keyOf(run, id, changes);
    const [row] = await run<ChangedDead>(CHANGE_DEAD, [SHARD, [id], ...carried, ...key]);
    if (row?.refused) throw REFUSALS[row.refused](id);
    return { id, changed: row?.changed ?? false, ...(row && { state: row.state }) };
  }

  /** Whether the key of the new payload is known, and the key: null where it has none. */
  private async keyOf(
    run: Run,
    id: string,
    { keyIn }: CheckedChanges,
  ): Promise<[known: boolean, key: string | null]> {
    const queue = keyIn && (await this.jobs.find(id, run))?.queue;
    const key = queue === undefined ? undefined : keyIn!(queue);
    return [key !== undefined, key ?? null];
  }
}

const given = ({ at, delayMs, priority, payload, payloadBytes }: CheckedChanges): unknown[] =>
  [at, delayMs, priority, payload, payloadBytes].map((value) => value ?? null);

/** Another job may have the permit of the key that it had. */
function signalFor({ lane, fair, keyed, wasKeyed, suspect, state }: Changed): { signal?: Signal } {
  if ((keyed || wasKeyed) && state === 'blocked')
    return { signal: wakeUpFor([{ lane, keyed: true }]) };
  if (state !== 'ready' && state !== 'scheduled') return {};
  const freed = wasKeyed ? [{ lane, keyed: true }] : [];
  return {
    signal: wakeUpFor([{ lane, fair, later: suspect === true || state === 'scheduled' }, ...freed]),
  };
}

const timeless = (id: string, state: JobState): QueueError =>
  new QueueError(
    'INVALID_OPTION',
    `change: job ${id} is ${state}, and runs when it is retried. Leave runAt and delayMs out.`,
  );

const unread = (id: string): QueueError =>
  new QueueError(
    'LIMIT_KEY_INVALID',
    `change: the queue of job ${id} has a limit per key, and this process does not know where in the payload the key is. Give it the queue's perKey (on the command line: --key or --no-key), or change the job where it has it.`,
  );

const ordered = (id: string): QueueError =>
  new QueueError(
    'INVALID_OPTION',
    `change: job ${id} belongs to an ordered group, whose jobs have no priority. Leave priority out.`,
  );

const REFUSALS = { ordered, keyed: unread };
