import { perKeyName, type DeclaredLimit } from '../job/limit.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';

/** What the options of this process say of limits across the fleet. */
export function declaredLimits({
  queues,
  limits,
}: Pick<ResolvedOptions, 'queues' | 'limits'>): DeclaredLimit[] {
  const ofQueues = [...queues].map(([name, { fleetConcurrency, rate }]) => ({
    name,
    ofQueue: true,
    concurrency: fleetConcurrency,
    rate,
  }));
  const perKey = [...queues].flatMap(([queue, { perKey: rule }]) =>
    rule
      ? [
          {
            name: perKeyName(queue),
            ofQueue: true,
            concurrency: rule.concurrency,
            rate: rule.rate,
            by: typeof rule.by === 'string' ? `"${rule.by}"` : 'a function',
          },
        ]
      : [],
  );
  const named = [...limits].map(([name, rule]) => ({ ...rule, name, ofQueue: false }));
  return [...ofQueues, ...perKey, ...named].filter(
    ({ concurrency, rate }) => concurrency !== undefined || rate !== undefined,
  );
}
