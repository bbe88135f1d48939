import type { ModulesContainer } from '@nestjs/core';

/** Something that begins when the application is up, and can be taken back. */
interface Starter {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface HookOwner {
  onApplicationBootstrap?(): unknown;
}

/** By the instance whose hook Nest calls last. */
const waiting = new WeakMap<HookOwner, Starter[]>();

/**
 * Starts when no hook of the start can fail any more. Nest does not report that a start has failed, and a process whose `main` only logs it lives
 * on; but it calls hooks module by module, and that of the last module's class at the very end, if none before it has failed. So that
 * one is given a hook, or more to do in its own. Returns false where there is no such instance.
 */
export function startAfterBootstrap(modules: ModulesContainer, starter: Starter): boolean {
  const last = lastHookOwner(modules);
  if (!last) return false;
  const starters = waiting.get(last);
  if (starters) starters.push(starter);
  else if (!extend(last)) return false;
  else waiting.set(last, [starter]);
  return true;
}

/** Nest sorts by distance, and leaves the order of those alike. Of a class that depends on requests it calls no hook. */
function lastHookOwner(modules: ModulesContainer): HookOwner | undefined {
  const last = [...modules.values()].sort((a, b) => b.distance - a.distance).at(-1);
  const host = last?.getProviderByKey<HookOwner>(last.metatype);
  return host?.isDependencyTreeStatic() ? host.instance : undefined;
}

function extend(owner: HookOwner): boolean {
  const own = owner.onApplicationBootstrap?.bind(owner);
  const extended = async (): Promise<void> => {
    await own?.();
    await startAll(waiting.get(owner) ?? []);
  };
  return Reflect.defineProperty(owner, 'onApplicationBootstrap', {
    value: extended,
    configurable: true,
    writable: true,
  });
}

/** All or none: the application does not start either. */
async function startAll(starters: Starter[]): Promise<void> {
  const started = await Promise.allSettled(starters.map((starter) => starter.start()));
  const failed = started.find(({ status }) => status === 'rejected') as
    PromiseRejectedResult | undefined;
  if (!failed) return;
  await Promise.allSettled(starters.map((starter) => starter.stop()));
  throw failed.reason;
}
