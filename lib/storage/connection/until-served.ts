import { setTimeout as rest } from 'node:timers/promises';
import { DatabaseError } from './database-errors.js';

/** As long as an orchestrator waits for a start, and longer than any client of a pool keeps a connection that it does not use. */
const START_PATIENCE_MS = 60_000;
/** Jittered, so that a fleet that starts at once does not ask in step. */
const MOST_REST_MS = 1_000;

/** For a start beside others: where a pooler or the server has no connection left, nothing was sent, and it is tried again for a while. */
export async function untilServed<T>(
  work: () => Promise<T>,
  patienceMs = START_PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (
        !(error instanceof DatabaseError) ||
        !(error.isCrowded || error.isBlocked) ||
        performance.now() >= deadline
      )
        throw error;
      await rest(MOST_REST_MS * (0.5 + 0.5 * Math.random()));
    }
  }
}
