import type { Job } from '../job/job.js';
import { quote } from '../job/names.js';
import { matches } from '../job/values/queue-pattern.js';
import { unknownLimit } from '../options/limit-rules.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { holding } from '../runtime/held-names.js';
import type { Handler } from './handler-registry.js';
import { answerOf } from './last-value.js';

/** @throws QueueError `LIMIT_UNKNOWN`: a handler would obey nothing, and nobody would notice before the other side does. */
export function refuseUnknownLimits(
  handlers: readonly Handler[],
  { limits }: Pick<ResolvedOptions, 'limits'>,
): void {
  const known = [...limits.keys()];
  for (const { label, options } of handlers)
    for (const name of options.uses ?? [])
      if (!known.includes(name)) throw unknownLimit(`${label} uses ${quote(name)}`, name, known);
}

/** Within its handler a limit is held: a call that enters it again would wait for its own job. Others pay nothing. */
export function holdingLimits(
  handler: Handler,
  { queues, schema }: Pick<ResolvedOptions, 'queues' | 'schema'>,
): Handler {
  const { queue, run } = handler;
  const { uses = [] } = handler.options;
  const isUsing = [...queues].some(([name, own]) => own.uses && matches(queue, name));
  if (uses.length === 0 && !isUsing) return handler;
  const usedBy = (job: Job): string[] => [...uses, ...(queues.get(job.queue)?.uses ?? [])];
  const first = (jobs: Job | Job[]): Job => [jobs].flat()[0]!;
  return {
    ...handler,
    run: (job, context) =>
      holding(
        schema,
        () => usedBy(first(job)),
        () => answerOf(run(job, context)),
      ),
  };
}
