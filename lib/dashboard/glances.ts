import { QueueError } from '../job/queue.errors.js';
import { RecentAnswer } from '../runtime/recent-answer.js';
import { LATE } from '../runtime/within.js';

const FRESH_MS = 2_000;
const PATIENCE_MS = 5_000;
const MOST = 300;

/** What was asked within moments, by whoever: ten tabs on one page are one question to the database. */
export class Glances {
  private readonly answers = new Map<string, RecentAnswer<unknown>>();

  /** @throws QueueError `DATABASE_UNAVAILABLE` where no answer came in time. */
  async at<Answer>(what: string, ask: () => Promise<Answer>, freshMs = FRESH_MS): Promise<Answer> {
    const known = this.answers.get(what) as RecentAnswer<Answer> | undefined;
    const glance = known ?? new RecentAnswer(ask, freshMs);
    if (!known) this.keep(what, glance);
    const answer = await glance.get(PATIENCE_MS);
    if (answer !== LATE) return answer;
    throw new QueueError(
      'DATABASE_UNAVAILABLE',
      `The database has not replied within ${PATIENCE_MS / 1_000} seconds.`,
    );
  }

  /** Something was done: what was seen before is old. */
  forget(): void {
    this.answers.clear();
  }

  private keep(what: string, glance: RecentAnswer<unknown>): void {
    const [oldest] = this.answers.keys();
    if (this.answers.size >= MOST && oldest !== undefined) this.answers.delete(oldest);
    this.answers.set(what, glance);
  }
}
