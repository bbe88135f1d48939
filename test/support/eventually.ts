import { setTimeout as rest } from 'node:timers/promises';
import { patient } from './patience.mjs';

const LONGEST_REST_MS = 200;

/**
 * Asks again until `condition` neither throws nor answers `false`, and returns its answer. After `timeoutMs` (default 10,000,
 * more on a busy machine) it fails with the last error. The only place where a test waits.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000 } = {},
): Promise<T> {
  const deadline = Date.now() + patient(timeoutMs);
  for (let restMs = 5; ; restMs = Math.min(restMs * 2, LONGEST_REST_MS)) {
    // Known before it asks: a process that was stopped meanwhile asks once more.
    const isLast = Date.now() >= deadline;
    try {
      const answer = await condition();
      if (answer !== false) return answer;
      throw new Error(`Still false after ${timeoutMs} ms: ${condition.toString()}`);
    } catch (error) {
      if (isLast) throw error;
    }
    await rest(Math.min(restMs, Math.max(1, deadline - Date.now())));
  }
}
