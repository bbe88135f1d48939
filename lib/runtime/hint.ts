import { closestWord } from './closest-word.js';
import { listed } from './words.js';

/** Our word, and what BullMQ, pg-boss, graphile-worker and packages for cron call it. */
const WORDS = {
  id: 'jobId',
  payload: 'data',
  runAt: 'startAfter scheduledAt runAfter',
  delayMs: 'delay',
  priority: 'lifo',
  uniqueKey: 'singletonKey jobKey deduplication debounce idempotencyKey',
  periodMs: 'singletonSeconds throttle',
  fingerprint: 'tags',
  headers: 'meta metadata',
  dependsOn: 'parent children',
  maxAttempts: 'attempts retryLimit retries maxRetries',
  backoff: 'retryDelay retryBackoff retryDelayMax',
  timeoutMs: 'expireInSeconds expireIn ttl timeout',
  manager: 'db tx trx transaction entityManager queryRunner',
  job: 'opts options',
  target: 'queue',
  enqueued: 'waiting added delayed created',
  started: 'active',
  succeeded: 'completed complete success done',
  failed: 'retries-exhausted',
  leaseLost: 'stalled',
  cancelled: 'removed',
  warning: 'error',
  dataSource: 'connection connectionString url',
  schema: 'prefix',
  worker: 'autorun processors',
};
const OF_A_SCHEDULE = {
  cron: 'pattern cronTime expression repeat',
  timeZone: 'tz timezone',
  everyMs: 'every',
  startAt: 'startDate',
  endAt: 'endDate',
};
const OF_A_QUEUE = {
  rate: 'limiter',
  concurrency: 'teamSize teamConcurrency',
  batch: 'batchSize',
  archive: 'removeOnComplete keepJobs retentionDays retentionSeconds deleteAfterSeconds',
  deadLetter: 'removeOnFail',
};
const OF_THE_MODULE = {
  leaseMs: 'lockDuration heartbeatSeconds',
  reaperIntervalMs: 'stalledInterval',
  maxStalls: 'maxStalledCount',
  pollIntervalMs: 'drainDelay pollingIntervalSeconds',
};

/** By their word: ours, and whose it is. */
const OURS = new Map<string, [string, string?]>();
note(WORDS);
note(OF_A_SCHEDULE, 'a schedule');
note(OF_A_QUEUE, 'the queue (queues of the module)');
note(OF_THE_MODULE, 'the module');

function note(words: object, whose?: string): void {
  for (const [ours, theirs] of Object.entries(words) as [string, string][])
    for (const word of [ours, ...theirs.split(' ')]) OURS.set(word, [ours, whose]);
}

/** What a caller who gave `word` probably meant: how another library says it, a slip, or whatever there is. */
export function hintFor(word: string, known: readonly string[]): string {
  const [ours = '', whose] = OURS.get(word) ?? [];
  const meant = known.includes(ours) ? ours : closestWord(word, known);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  if (whose !== undefined) return `that is "${ours}" of ${whose}`;
  if (known.includes('job') && ours) return `that is "${ours}" within "job"`;
  return `there is ${listed(known, 30)}`;
}
