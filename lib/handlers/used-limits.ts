import { quote } from '../job/names.js';
import { unknownLimit } from '../options/limit-rules.js';
import { holding } from '../runtime/held-names.js';
import type { Handler } from './handler-registry.js';

/** @throws QueueError `LIMIT_UNKNOWN`: a handler would obey nothing, and nobody would notice before the other side does. */
export function refuseUnknownLimits(handlers: readonly Handler[], known: readonly string[]): void {
  for (const { label, options } of handlers)
    for (const name of options.uses ?? [])
      if (!known.includes(name)) throw unknownLimit(`${label} uses ${quote(name)}`, name, known);
}

/** Within its handler a limit is held: a call that enters it again would wait for its own job. Others pay nothing. */
export function holdingLimits(handler: Handler): Handler {
  const { uses } = handler.options;
  if (!uses) return handler;
  return { ...handler, run: (job, context) => holding(uses, () => handler.run(job, context)) };
}
