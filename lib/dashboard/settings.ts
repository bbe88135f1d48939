import { DEFAULTS } from '../options/option-rules.js';
import { QueuePolicies, type QueuePolicy } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { FoundJob } from '../job/job.js';

/** What holds, and who says so. Durations are milliseconds. */
interface Setting {
  name: string;
  value: unknown;
  from: 'job' | 'queue' | 'module' | 'default';
}

/** By whom each may be said, from the policy of a queue. */
const SHOWN = {
  maxAttempts: 'maxAttempts',
  backoff: 'backoff',
  timeoutMs: 'timeoutMs',
  concurrency: 'concurrency',
  maxPending: 'maxPending',
  ordered: 'ordered',
  fair: 'fair',
  onDeadJob: 'onDeadJob',
  archive: 'archiveKeepMs',
  deadLetter: 'deadLetterKeepMs',
} as const satisfies Record<string, keyof QueuePolicy>;

/** The settings of a queue as this process resolves them, or of one of its jobs. */
export function settingsOf(
  options: ResolvedOptions,
  queue: string,
  job: Pick<FoundJob, 'maxAttempts' | 'extraAttempts'> = {},
): Setting[] {
  const policy = new QueuePolicies(options).of(queue);
  const own = options.queues.get(queue) ?? {};
  const byDefault = new QueuePolicies({ ...DEFAULTS, queues: new Map() }).of('');
  return Object.entries(SHOWN).flatMap(([name, part]): Setting[] => {
    if (name === 'maxAttempts' && job.maxAttempts !== undefined)
      return [{ name, value: job.maxAttempts, from: 'job' }];
    const value = shown(policy[part]);
    if (value === undefined) return [];
    const isDefault = JSON.stringify(value) === JSON.stringify(shown(byDefault[part]));
    const from = Object.hasOwn(own, name) ? 'queue' : isDefault ? 'default' : 'module';
    return [{ name, value, from }];
  });
}

/** A function of the application's has no text. */
const shown = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'delay' in value ? 'a function' : value;
