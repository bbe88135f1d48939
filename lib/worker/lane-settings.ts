import type { Backoff } from '../job/backoff.js';
import type { AttemptPolicy } from '../job/job-handler.js';
import type { DeadHead, QueueSettings, ResolvedOptions } from '../options/simple-queue.options.js';
import { DEFAULT_DEAD_HEAD } from '../storage/dead-heads.js';
import type { Handler } from './handler-registry.js';

/** What the worker applies to a lane's jobs where the job itself says nothing. */
export interface LaneSettings {
  maxAttempts: number;
  backoff: Backoff;
  timeoutMs: number | undefined;
  /** undefined: succeeded and cancelled jobs are deleted at once. */
  archiveKeepMs: number | undefined;
  deadLetterKeepMs: number;
  deadHead: DeadHead;
}

/** Precedence: (enqueue call >) handler > queue > module > default; the last two are resolved already. */
export function laneSettings(handler: Handler, queueName: string, options: ResolvedOptions): LaneSettings {
  const queue = options.queues.get(queueName) ?? {};
  const policies = [handler.options, queue, options];
  return {
    maxAttempts: first(policies, 'maxAttempts')!,
    backoff: first(policies, 'backoff')!,
    timeoutMs: first(policies, 'timeoutMs'),
    ...retentionOf(queue, options),
    deadHead: queue.deadHead ?? DEFAULT_DEAD_HEAD,
  };
}

function retentionOf(queue: QueueSettings, options: ResolvedOptions): Pick<LaneSettings, 'archiveKeepMs' | 'deadLetterKeepMs'> {
  const archive = queue.archive ?? options.archive;
  return {
    archiveKeepMs: archive ? archive.keepMs : undefined,
    deadLetterKeepMs: (queue.deadLetter ?? options.deadLetter).keepMs,
  };
}

function first<Option extends keyof AttemptPolicy>(policies: AttemptPolicy[], option: Option): AttemptPolicy[Option] {
  return policies.find((policy) => policy[option] !== undefined)?.[option];
}
