import { checkObject } from '../enqueue/option-checks.js';
import type { EnqueueOptions, JobOptions } from '../job/enqueue-options.js';
import { checkManager } from '../job/joining.js';
import { QueueError } from '../job/queue.errors.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';

const MISSING = [
  'onConflict',
  'periodMs',
  'ordered',
  'staged',
  'commitWithinMs',
  'maxPending',
] as const;
const MISSING_OF_QUEUES = [
  'ordered',
  'fair',
  'maxPending',
  'onDeadJob',
  'fleetConcurrency',
  'rate',
] as const;

/** The options of a call without its transaction. What memory cannot keep is refused: a test that passed with it would prove nothing. */
export function checkKept(options: EnqueueOptions): JobOptions {
  checkObject('options', options);
  const { manager, ...job } = options;
  if (manager !== undefined) checkManager(manager);
  for (const option of MISSING) if (asks(job[option])) throw notKept(option);
  return job;
}

/** The same of the settings of queues. */
export function checkQueuesKept(queues: ResolvedOptions['queues']): void {
  for (const [queue, settings] of queues)
    for (const option of MISSING_OF_QUEUES)
      if (asks(settings[option])) throw notKept(`queues.${queue}.${option}`);
}

/** What only repeats the default asks for nothing. */
const asks = (value: unknown): boolean =>
  value !== undefined && value !== false && value !== 'ignore';

function notKept(option: string): QueueError {
  const message = `InMemoryJobQueue knows no ${option}. Test what needs it on PostgreSQL, with SimpleQueueTestingModule.`;
  return new QueueError('INVALID_OPTION', message);
}
