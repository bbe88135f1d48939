import { checkObject } from '../enqueue/option-checks.js';
import type { EnqueueOptions, JobOptions } from '../job/enqueue-options.js';
import { checkManager } from '../job/joining.js';
import { QueueError } from '../job/queue.errors.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { ResolvedOptions, SimpleQueueOptions } from '../options/simple-queue.options.js';

/** Of the module's options those that mean something without the tables. */
export type PlainOptions = Pick<
  SimpleQueueOptions,
  | 'maxAttempts'
  | 'backoff'
  | 'timeoutMs'
  | 'queues'
  | 'leaseMs'
  | 'maxStalls'
  | 'archive'
  | 'deadLetter'
  | 'maxPayloadBytes'
  | 'maxOutputBytes'
>;

const MISSING = [
  'onConflict',
  'periodMs',
  'ordered',
  'staged',
  'commitWithinMs',
  'dependsOn',
  'maxPending',
] as const;
const MISSING_OF_QUEUES = [
  'ordered',
  'fair',
  'maxPending',
  'onDeadJob',
  'fleetConcurrency',
  'perKey',
  'rate',
  'uses',
  'outcomes',
] as const;

/** What a store without the tables is asked for, checked: what it cannot keep is refused, whatever its name is. */
export class PlainChecks {
  readonly options: ResolvedOptions;

  /** @param advice What to do where something is missing. */
  constructor(
    given: SimpleQueueOptions & PlainOptions,
    private readonly store: string,
    private readonly advice: string,
  ) {
    this.options = resolveOptions({ ...given, heartbeatIntervalMs: 10 }).options;
    if (Object.keys(given.limits ?? {}).length > 0) throw this.notKept('limits');
    for (const [queue, settings] of this.options.queues)
      for (const option of MISSING_OF_QUEUES)
        if (asks(settings[option])) throw this.notKept(`queues.${queue}.${option}`);
  }

  /** The options of a call without its transaction. */
  kept(options: EnqueueOptions): JobOptions {
    checkObject('options', options);
    const { manager, ...job } = options;
    if (manager !== undefined) checkManager(manager);
    for (const option of MISSING) if (asks(job[option])) throw this.notKept(option);
    return job;
  }

  private notKept(option: string): QueueError {
    return new QueueError('INVALID_OPTION', `${this.store} knows no ${option}. ${this.advice}`);
  }
}

/** What only repeats the default asks for nothing. */
const asks = (value: unknown): boolean =>
  value !== undefined && value !== false && value !== 'ignore';
