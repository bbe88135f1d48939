import { AsyncLocalStorage } from 'node:async_hooks';

interface Holding {
  schema: string;
  names: readonly string[];
  outer: Holding | undefined;
  isOver: boolean;
}

const held = new AsyncLocalStorage<Holding>();
let isAsked = false;

/** Somebody may ask. Where nobody can, no work has to be followed: that costs a job without I/O a tenth of its time. */
export const expectQuestions = (): void => void (isAsked = true);

/**
 * What `work` does until it has ended, and all that it calls, knows that these are held already: asking for one of them again would wait for
 * itself. What it has only started, such as a timer, holds nothing any more then.
 */
export function holding<T>(schema: string, names: () => readonly string[], work: () => T): T {
  if (!isAsked) return work();
  const holding: Holding = { schema, names: names(), outer: current(), isOver: false };
  const end = () => void (holding.isOver = true);
  try {
    return held.run(holding, () => ending(work(), end));
  } catch (error) {
    end();
    throw error;
  }
}

/** What has a `then` becomes one promise: each call of it may do the work again, as that of a query builder does. */
function ending<T>(result: T, end: () => void): T {
  const once = Promise.resolve(result);
  once.then(end, end);
  return typeof (result as { then?: unknown } | null)?.then === 'function' ? (once as T) : result;
}

/** Another instance of the module has limits of its own, unless it works in the same `schema`. */
export function isHeld(schema: string, name: string): boolean {
  for (let at = current(); at; at = at.outer)
    if (!at.isOver && at.schema === schema && at.names.includes(name)) return true;
  return false;
}

/** What is over keeps nothing in memory. */
function current(): Holding | undefined {
  let at = held.getStore();
  while (at?.isOver) at = at.outer;
  return at;
}
