import { isPattern, narrowed } from '../job/values/queue-pattern.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { closestWord } from '../runtime/closest-word.js';

const MOST_NAMED = 10;

/**
 * Names of queues in the options of a worker that none of its handlers is for: probably mistyped. What `queues` says of a queue that other
 * processes work is no slip, so there only a name that is close to a handler's is reported.
 */
export function unservedNames(
  { worker, queues }: Pick<ResolvedOptions, 'worker' | 'queues'>,
  handled: readonly string[],
): string[] {
  const isServed = (name: string): boolean =>
    handled.some((queue) => narrowed(name, queue) !== undefined);
  const unset = handled.filter((queue) => !isPattern(queue) && !queues.has(queue));
  const wanted = (worker?.queues ?? []).filter((name) => !isServed(name));
  const set = [...queues.keys()].filter((name) => !isServed(name) && closestWord(name, unset));
  return [
    ...wanted.map((name) => `worker.queues names "${name}"${hintOf(name, handled)}`),
    ...set.map((name) => `queues has settings for "${name}"${hintOf(name, unset)}`),
  ];
}

function hintOf(name: string, handled: readonly string[]): string {
  const closest = closestWord(name, handled);
  const named = handled.slice(0, MOST_NAMED).map((queue) => `"${queue}"`);
  const others = named.length > 0 ? `its handlers are for ${named.join(', ')}` : 'it has none';
  const hint = closest ? `did you mean "${closest}"?` : others;
  return `, and no handler of this process is for it (${hint})`;
}
