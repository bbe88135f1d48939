import { DAY_MS } from '../../job/values/duration.js';
import { QueueError } from '../../job/queue.errors.js';
import { Uuid7 } from '../../runtime/uuid7.js';
import type { Database } from '../connection/database.js';
import { DatabaseError } from '../connection/database-errors.js';
import { SHARD } from '../connection/shard.js';
import { BEGIN_ACT, END_ACT, LIST_ACTS, LOCK_SEEN, PURGE_ACTS } from './audit.sql.js';

/** An act as it is kept. */
export interface ActRow {
  id: string;
  at: Date;
  actor: string;
  action: string;
  selector: Record<string, unknown>;
  counts: Record<string, number> | null;
  failed: string | null;
  endedAt: Date | null;
}

/** Which acts to list; null: any. */
interface WhichActs {
  actor?: string | undefined;
  action?: string | undefined;
  queue?: string | undefined;
  since?: Date | undefined;
  after?: string | undefined;
  limit: number;
}

const KEEP_MS = 90 * DAY_MS;
const KEEP_ROWS = 50_000;

/** What operators did, and who they were. */
export class AuditRepository {
  private readonly ids = new Uuid7();

  constructor(private readonly database: Database) {}

  /** Its id. */
  async begin({
    actor,
    action,
    selector,
  }: Pick<ActRow, 'actor' | 'action' | 'selector'>): Promise<string> {
    const id = this.ids.next();
    const values = [SHARD, id, actor, action, JSON.stringify(selector)];
    await this.database.callers.run(BEGIN_ACT, values);
    return id;
  }

  async end(
    id: string,
    { counts, failed }: Partial<Pick<ActRow, 'counts' | 'failed'>>,
  ): Promise<void> {
    const values = [SHARD, id, counts ? JSON.stringify(counts) : null, failed ?? null];
    await this.database.callers.run(END_ACT, values);
  }

  /** `work`, which has connections of its own, while nobody else acts on `subject` so. */
  async alone<T>(subject: string, work: () => Promise<T>): Promise<T> {
    let done: { result: T } | undefined;
    try {
      return await this.database.loops.transaction(async (run) => {
        await run(LOCK_SEEN, [subject]).catch(refuseLate);
        done = { result: await work() };
        return done.result;
      });
    } catch (error) {
      // The transaction held the lock, and nothing else.
      if (done) return done.result;
      throw error;
    }
  }

  list({ actor, action, queue, since, after, limit }: WhichActs): Promise<ActRow[]> {
    const which = [actor, action, queue, since, after].map((part) => part ?? null);
    return this.database.callers.run(LIST_ACTS, [SHARD, ...which, limit]);
  }

  async purge(): Promise<number> {
    const values = [SHARD, KEEP_MS, KEEP_ROWS];
    return (await this.database.loops.run<{ purged: number }>(PURGE_ACTS, values))[0]!.purged;
  }
}

function refuseLate(error: unknown): never {
  if (error instanceof DatabaseError && (error.code === 'LOCK_TIMEOUT' || error.isTimeout))
    throw new QueueError('TRANSACTION_CONFLICT', 'Somebody acts on it right now: look again.');
  throw error;
}
