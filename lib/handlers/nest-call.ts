import type { Handler } from './handler-registry.js';
import type { NestEnhancers } from './nest-enhancers.js';
import type { ProvidedClass } from './provided-class.js';
import { ScopedCall } from './scoped-call.js';

export type NestCall = Pick<Handler, 'run' | 'acquire'>;

/**
 * How a method of a provider is called: the very method of its instance where Nest has nothing to do at each call, else beneath enhancers, on
 * an instance of its own, or both. `acquire` is outside of the enhancers. undefined: there is no such method.
 */
export function nestCall(
  provided: ProvidedClass,
  method: string,
  all: NestEnhancers,
): NestCall | undefined {
  if (!provided.method(method)) return undefined;
  const enhancers = all.of(provided, method);
  if (provided.scope === 'request') {
    const { run, acquire } = new ScopedCall(provided, method, enhancers);
    return { run, acquire: provided.method('acquire') && acquire };
  }
  const run = enhancers
    ? enhancers.around(provided.instance).run
    : provided.bound<Handler['run']>(method)!;
  return { run, acquire: provided.bound<NonNullable<Handler['acquire']>>('acquire') };
}
