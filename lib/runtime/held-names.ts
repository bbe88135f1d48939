import { AsyncLocalStorage } from 'node:async_hooks';

const held = new AsyncLocalStorage<ReadonlySet<string>>();

/** What `work` does, and all that it calls, knows that these are held already: asking for one of them again would wait for itself. */
export function holding<T>(names: readonly string[], work: () => T): T {
  return held.run(new Set([...(held.getStore() ?? []), ...names]), work);
}

export const isHeld = (name: string): boolean => held.getStore()?.has(name) ?? false;
