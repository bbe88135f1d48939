import type { ChangeAnswer } from '../../job/enqueue-options.js';
import type { LiveState } from '../../job/job-state.js';
import { QueueError } from '../../job/queue.errors.js';
import type { CheckedChanges } from '../../options/job-changes.js';
import type { FindRepository } from '../reading/find.repository.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { wakeUpFor } from '../wake-ups/wake-up.js';
import type { Signal } from '../wake-ups/signal.js';
import { CHANGE } from './change.sql.js';

interface Changed {
  lane: number;
  fair: boolean | null;
  /** It waits for a permit of its key. */
  keyed: boolean;
  refused: boolean;
  changed: boolean;
  state: LiveState;
}

/** A job may move between two looks, again and again in theory. */
const MAX_LOOKS = 5;
const WAITS: readonly string[] = ['staged', 'blocked', 'scheduled', 'ready'] satisfies LiveState[];

/** Changes of jobs that wait. */
export class ChangeRepository {
  constructor(private readonly jobs: FindRepository) {}

  /** What became of it, and whom to wake. @throws QueueError `INVALID_OPTION` for a priority of an ordered job; `TRANSACTION_CONFLICT`. */
  async change(
    run: Run,
    id: string,
    changes: CheckedChanges,
  ): Promise<ChangeAnswer & { signal?: Signal }> {
    const { at, delayMs, priority, payload, payloadBytes } = changes;
    const given = [at, delayMs, priority, payload, payloadBytes].map((value) => value ?? null);
    const values = [SHARD, [id], ...given];
    for (let look = 0; look < MAX_LOOKS; look++) {
      const [row] = await run<Changed>(CHANGE, values);
      if (row?.refused) throw ordered(id);
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
}

function signalFor({ lane, fair, keyed, state }: Changed): { signal?: Signal } {
  if (keyed && state === 'blocked') return { signal: wakeUpFor([{ lane, keyed }]) };
  if (state !== 'ready' && state !== 'scheduled') return {};
  return { signal: wakeUpFor([{ lane, fair, later: state === 'scheduled' }]) };
}

const ordered = (id: string): QueueError =>
  new QueueError(
    'INVALID_OPTION',
    `change: job ${id} belongs to an ordered group, whose jobs have no priority. Leave priority out.`,
  );
