import type { Backoff } from '../job/backoff.js';
import type { DeadHead, ResolvedOptions } from '../options/simple-queue.options.js';
import { deadHeads } from '../storage/dead-heads.js';
import { archiveRetention, deadLetterRetention, type Retention } from '../storage/retention.js';
import type { StoredOptions } from '../storage/row-mapper.js';

export type PolicyOptions = Pick<ResolvedOptions, 'maxAttempts' | 'backoff' | 'timeoutMs' | 'queues' | 'archive' | 'deadLetter'>;

/** What holds for a pulled job. No handler has a say: enqueue call > queue > module > default. */
export class PullPolicy {
  readonly archive: Retention;
  readonly deadLetter: Retention;
  readonly deadHeads: Readonly<Record<string, DeadHead>>;

  constructor(private readonly options: PolicyOptions) {
    this.archive = archiveRetention(options);
    this.deadLetter = deadLetterRetention(options);
    this.deadHeads = deadHeads(options);
  }

  deadHead(queue: string): DeadHead {
    return this.deadHeads[queue in this.deadHeads ? queue : '']!;
  }

  /** With those that checkpoints have granted. */
  maxAttempts(queue: string, job: StoredOptions | null): number {
    const own = job?.maxAttempts ?? this.options.queues.get(queue)?.maxAttempts ?? this.options.maxAttempts;
    return own + (job?.extraAttempts ?? 0);
  }

  backoff(queue: string, job: StoredOptions | null): Backoff {
    return job?.backoff ?? this.options.queues.get(queue)?.backoff ?? this.options.backoff;
  }

  timeoutMs(queue: string, job: StoredOptions | null): number | undefined {
    return job?.timeoutMs ?? this.options.queues.get(queue)?.timeoutMs ?? this.options.timeoutMs;
  }

  /** undefined: deleted at once. */
  archiveKeepMs(queue: string): number | undefined {
    return keepOf(this.archive, queue) ?? undefined;
  }

  deadLetterKeepMs(queue: string): number {
    return keepOf(this.deadLetter, queue)!;
  }
}

const keepOf = (retention: Retention, queue: string): number | null | undefined => retention[queue in retention ? queue : ''];
