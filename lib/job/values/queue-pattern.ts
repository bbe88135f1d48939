import { checkQueueName } from '../names.js';

/** `mail.*` is every queue whose name begins with `mail.`; `*` is every queue. */
export const isPattern = (queue: string): boolean => queue.endsWith('*');

/** Does a queue's name, or a pattern, mean this queue? */
export function matches(pattern: string, queue: string): boolean {
  return isPattern(pattern) ? queue.startsWith(pattern.slice(0, -1)) : queue === pattern;
}

/** The queues that both mean, as one of the two; undefined: none. */
export function narrowed(one: string, other: string): string | undefined {
  if (matches(other, one)) return one;
  return matches(one, other) ? other : undefined;
}

/**
 * A queue's name, a prefix and a star, or a star alone.
 * @throws QueueError `INVALID_NAME`
 */
export function checkQueuePattern(pattern: unknown): string {
  if (pattern === '*') return pattern;
  checkQueueName(typeof pattern === 'string' ? pattern.replace(/\*$/, '') : pattern);
  return pattern as string;
}

/** The longest prefix first: the closest description of a queue wins. */
export const byCloseness = (a: string, b: string): number => b.length - a.length;
