import type { CommitAnswer } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import type { JobState } from '../job/job-state.js';
import type { Run } from '../storage/connection/database.js';
import type { Joined } from '../storage/connection/callers/joined.js';
import type { Retention } from '../options/queue-policy.js';
import type { Signal } from '../storage/wake-ups/signals.js';
import type { Storage } from '../storage/storage.js';
import { ENDED, wakeUpFor, type Placed } from '../storage/wake-ups/wake-up.js';

/** An answer, and whom it has to wake. */
interface Decided {
  answer: CommitAnswer;
  wakes?: Signal;
}

/** The second phase of a staged job: commit or abort. Of those and the expiry exactly one gets the job, and each caller learns which. */
export class TwoPhase {
  constructor(
    private readonly storage: Storage,
    private readonly archive: Retention,
  ) {}

  commit(id: string, joined: Joined | undefined): Promise<CommitAnswer> {
    return this.decide(id, joined, async (run) => {
      const { placed, isRestored } = await this.storage.staged.commit(run, [id]);
      const state = isRestored
        ? (await this.storage.jobs.find(id, run))?.state
        : stateOf(placed[0]);
      const answer = { outcome: 'committed', won: true, ...(state && { state }) } as const;
      return placed.length > 0 ? { answer, wakes: wakeUpFor(placed) } : { answer };
    });
  }

  abort(id: string, joined: Joined | undefined): Promise<CommitAnswer> {
    return this.decide(id, joined, async (run) => {
      await this.storage.cancels.byId(run, [id], this.archive);
      return {
        answer: { outcome: 'aborted', won: true, state: 'cancelled' },
        wakes: { lanes: [], ...ENDED },
      };
    });
  }

  private async decide(
    id: string,
    joined: Joined | undefined,
    win: (run: Run) => Promise<Decided>,
  ): Promise<CommitAnswer> {
    const { database, signals } = this.storage;
    const work = (run: Run): Promise<Decided> => this.decideIn(run, id, win);
    const { answer, wakes } = await (joined
      ? joined.alone(work)
      : database.waiters.about(() => [`staged ${id}`]).transaction(work));
    if (wakes) signals.send(wakes, joined?.runner);
    return answer;
  }

  private async decideIn(
    run: Run,
    id: string,
    win: (run: Run) => Promise<Decided>,
  ): Promise<Decided> {
    const taken = await this.storage.staged.take(run, id);
    if (taken === 'inTime') return win(run);
    if (taken === 'expired') return { answer: { outcome: 'expired', won: false, state: 'staged' } };
    const job = await this.storage.jobs.find(id, run);
    // Its enqueue was committed between the two looks.
    if (job?.state === 'staged') return this.decideIn(run, id, win);
    return { answer: answerFor(job) };
  }
}

function stateOf(placed: Placed | undefined): JobState {
  if (!placed || (placed.keyed && !placed.later)) return 'blocked';
  return placed.later ? 'scheduled' : 'ready';
}

function answerFor(job: FoundJob | undefined): CommitAnswer {
  if (!job) return { outcome: 'unknown', won: false };
  const { state, lastError } = job;
  if (state === 'cancelled') return { outcome: 'aborted', won: false, state };
  // What has rescheduled itself for too long is expired as well.
  const isUncommitted = state === 'expired' && lastError?.code === 'COMMIT_EXPIRED';
  return { outcome: isUncommitted ? 'expired' : 'committed', won: false, state };
}
