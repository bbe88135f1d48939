import type { AttemptPolicy } from '../job/job-handler.js';
import type { OnDeadJob } from '../job/job-state.js';
import type { KeyOf } from '../job/limit.js';
import type { StoredOptions } from '../job/new-job.js';
import type { InMs } from '../job/values/duration.js';
import type { QueueSettings, ResolvedOptions } from './simple-queue.options.js';

type PolicyOptions = Pick<
  ResolvedOptions,
  keyof AttemptPolicy | 'archive' | 'deadLetter' | 'maxStalls' | 'queues' | 'tally'
>;

/** What holds for a queue and its jobs, where neither job nor handler says otherwise. */
export type QueuePolicy = Readonly<ReturnType<typeof policyOf>>;

/** One setting by queue name; `''` stands for every other queue. */
export type ByQueue<Value> = Readonly<Record<string, Value | null>>;

/** What the end of a job depends on, as the workers of its queue declare it; docs/adr/0060-what-workers-say-of-ends.md. */
export interface EndPolicy {
  archive: number | null;
  deadLetter: number;
  onDeadJob: OnDeadJob;
  maxStalls: number;
}

/** How long ended jobs are kept, in milliseconds; null: they are deleted at once. */
export type Retention = ByQueue<number>;

const usedBy = ({ uses = [] }: InMs<QueueSettings>): readonly string[] => [...uses];
const keyOf = ({ perKey }: InMs<QueueSettings>): KeyOf | undefined => perKey?.by;

/** Every setting, with its default: queue > module > default, of which the last two are resolved already. */
function policyOf(queue: InMs<QueueSettings>, module: PolicyOptions) {
  const archive = queue.archive ?? module.archive;
  return {
    maxAttempts: queue.maxAttempts ?? module.maxAttempts,
    backoff: queue.backoff ?? module.backoff,
    timeoutMs: queue.timeoutMs ?? module.timeoutMs,
    concurrency: queue.concurrency,
    maxPending: queue.maxPending,
    ordered: queue.ordered ?? false,
    fair: queue.fair ?? false,
    /** undefined: its jobs have no key. */
    by: keyOf(queue),
    /** Named limits, which its jobs obey. */
    uses: usedBy(queue),
    /** undefined: succeeded and cancelled jobs are deleted at once. */
    archiveKeepMs: archive ? archive.keepMs : undefined,
    deadLetterKeepMs: (queue.deadLetter ?? module.deadLetter).keepMs,
    // Nothing overtakes a job that failed unless the application says so.
    onDeadJob: queue.onDeadJob ?? 'block',
  };
}

/** What holds for each queue of the module: said here, and nowhere else. */
export class QueuePolicies {
  private readonly rest: QueuePolicy;
  private readonly own: ReadonlyMap<string, QueuePolicy>;

  constructor(private readonly options: PolicyOptions) {
    this.rest = policyOf({}, options);
    this.own = new Map(
      [...options.queues].map(([name, settings]) => [name, policyOf(settings, options)]),
    );
  }

  of(queue: string): QueuePolicy {
    return this.own.get(queue) ?? this.rest;
  }

  /** For the jobs that a handler runs: about attempts its word comes first, and its limits hold besides those of the queue. */
  handledBy(handler: InMs<AttemptPolicy & { uses?: string[] }>, queue: string): QueuePolicy {
    const policy = this.of(queue);
    const {
      maxAttempts = policy.maxAttempts,
      backoff = policy.backoff,
      timeoutMs = policy.timeoutMs,
    } = handler;
    const uses = [...policy.uses, ...(handler.uses ?? [])];
    return { ...policy, maxAttempts, backoff, timeoutMs, uses };
  }

  /** For statements that meet jobs of queues which the caller does not know. No prototype: a queue may be called `__proto__`. */
  byQueue<Setting extends keyof QueuePolicy>(
    setting: Setting,
  ): ByQueue<NonNullable<QueuePolicy[Setting]>> {
    const rest = this.rest[setting] ?? null;
    const own = [...this.own].map(([name, policy]) => [name, policy[setting] ?? null] as const);
    const others = own.filter(([, value]) => value !== rest);
    return Object.assign(Object.create(null) as object, { '': rest }, Object.fromEntries(others));
  }

  /** Of the ends of jobs, by queue name. */
  ends(): ByQueue<EndPolicy> {
    const { maxStalls } = this.options;
    const endOf = ({ archiveKeepMs, deadLetterKeepMs, onDeadJob }: QueuePolicy): EndPolicy => ({
      archive: archiveKeepMs ?? null,
      deadLetter: deadLetterKeepMs,
      onDeadJob,
      maxStalls,
    });
    const own = [...this.own].map(([name, policy]) => [name, endOf(policy)] as const);
    return Object.fromEntries([['', endOf(this.rest)], ...own]);
  }

  /** The longest that any queue keeps its jobs, and for how long is kept what was counted: that far ahead partitions are made. */
  longestKeepMs(): Record<'archive' | 'dead_letter' | 'tally', number> {
    const policies = [this.rest, ...this.own.values()];
    return {
      archive: Math.max(...policies.map(({ archiveKeepMs = 0 }) => archiveKeepMs)),
      dead_letter: Math.max(...policies.map(({ deadLetterKeepMs }) => deadLetterKeepMs)),
      tally: this.options.tally ? this.options.tally.keepMs : 0,
    };
  }
}

/** How often a job runs at most: its own word comes first, and checkpoints may have granted more. */
export function attemptsOf(
  policy: QueuePolicy,
  job: StoredOptions | null,
  granted = job?.extraAttempts ?? 0,
): number {
  return (job?.maxAttempts ?? policy.maxAttempts) + granted;
}
