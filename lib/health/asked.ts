import { QueueError } from '../job/queue.errors.js';
import type { RecentAnswer } from '../runtime/recent-answer.js';
import { LATE } from '../runtime/within.js';

/** An answer, or in words why there is none. */
export type Asked<Answer> = { answer: Answer; problem?: undefined } | { problem: string };

export async function ask<Answer>(
  question: RecentAnswer<Answer>,
  { timeoutMs }: { timeoutMs: number },
): Promise<Asked<Answer>> {
  try {
    const answer = await question.get(timeoutMs);
    return answer === LATE
      ? { problem: `The database did not answer within ${timeoutMs} ms.` }
      : { answer };
  } catch (error) {
    return { problem: `The database could not be asked: ${codeOf(error)}.` };
  }
}

export const problemsOf = ({ problem }: Asked<unknown>): string[] =>
  problem === undefined ? [] : [problem];

/** Messages of drivers name hosts and users; a health page is often public. */
export function codeOf(error: unknown): string {
  const { sqlState } = (error ?? {}) as { sqlState?: string };
  return `${error instanceof QueueError ? error.code : 'UNKNOWN'}${sqlState ? ` (SQLSTATE ${sqlState})` : ''}`;
}
