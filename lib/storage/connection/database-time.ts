import type { Run } from './connections.js';
import { DATABASE_TIME } from './database-time.sql.js';

/** Milliseconds since 1970 by the clock of the server. */
export async function timeOf(run: Run): Promise<number> {
  return Date.parse((await run<{ now: string }>(DATABASE_TIME, []))[0]!.now);
}
