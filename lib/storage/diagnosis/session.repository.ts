import type { Database } from '../connection/database.js';
import { SNAPSHOT_HOLDERS } from '../connection/examine-server.sql.js';
import type { SnapshotHolder } from './diagnosis.js';
import { END_SESSIONS, LIST_SESSIONS } from './sessions.sql.js';

/** Sessions of one application, role and state; null where this role may not see it. */
export interface SessionGroup {
  role: string | null;
  application: string | null;
  state: string | null;
  sessions: number;
  /** The longest time without a statement, or in a transaction. */
  restingMs: number | null;
  openMs: number | null;
}

/** Who is connected to the database, and how that ends. */
export class SessionRepository {
  constructor(private readonly database: Database) {}

  list(): Promise<SessionGroup[]> {
    return this.database.callers.run(LIST_SESSIONS, []);
  }

  /** Those that keep vacuum from removing what died, the oldest first. */
  holders(): Promise<SnapshotHolder[]> {
    return this.database.callers.run(SNAPSHOT_HOLDERS, []);
  }

  /** How many sessions were ended: of this process, or idle for so long. Not `act`: how many would be. */
  async end(which: { pid: number } | { idleMs: number }, act: boolean): Promise<number> {
    const values = 'pid' in which ? [which.pid, null, act] : [null, which.idleMs, act];
    return (await this.database.callers.run<{ sessions: number }>(END_SESSIONS, values))[0]!
      .sessions;
  }
}
