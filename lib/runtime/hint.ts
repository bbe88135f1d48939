import { closestWord } from './closest-word.js';
import { listed } from './words.js';

/** Our word, and what other queues, workflow engines and packages for cron call it. */
const WORDS = {
  id: 'jobId',
  name: 'jobName',
  payload: 'data args',
  runAt: 'startAfter scheduledAt runAfter nextRunAt eta',
  delayMs: 'delay scheduleIn runIn countdown delaySeconds delayInSeconds initialDelay',
  priority: 'lifo',
  uniqueKey:
    'singletonKey jobKey deduplication debounce idempotencyKey dedupe dedupeKey deduplicationId deduplicationKey unique uniqueOpts useSingletonQueue lockKey',
  onConflict: 'jobKeyMode replace',
  periodMs: 'singletonSeconds singletonMinutes singletonHours throttle period byPeriod',
  fingerprint: 'tags',
  labels: 'flags',
  headers: 'meta metadata',
  dependsOn: 'parent children dependencies deps',
  group: 'queueName groupId groupKey orderingKey messageGroupId partitionKey concurrencyKey',
  staged: 'pending',
  maxAttempts: 'attempts retryLimit retries maxRetries retry retryCount tries maxTries',
  backoff: 'retryDelay retryBackoff retryDelayMax retryDelayMs backoffStrategy nextRetry',
  timeoutMs: 'expireInSeconds expireInMinutes expireInHours expireIn ttl timeout jobTimeout',
  manager: 'db tx trx transaction entityManager queryRunner',
  job: 'opts options insertOpts',
  target: 'queue queueName identifier task',
  enqueued: 'waiting added delayed created',
  started: 'active',
  succeeded: 'completed complete success done',
  failed: 'retries-exhausted',
  leaseLost: 'stalled',
  cancelled: 'removed',
  warning: 'error',
  dataSource: 'connection connectionString url pgPool pool',
  schema: 'prefix',
  autoStart: 'autorun supervise',
  worker: 'autorun processors runner workers',
};
const OF_A_SCHEDULE = {
  cron: 'pattern cronTime cronExpression expression repeat crontab schedule repeatInterval',
  timeZone: 'tz timezone repeatTimezone utcOffset',
  everyMs: 'every interval intervalMs repeatEvery',
  startAt: 'startDate immediately runOnStart runOnInit skipImmediate',
  endAt: 'endDate',
  overlap: 'waitForCompletion',
  catchUp: 'backfill backfillPeriod',
  jitterMs: 'jitter',
};
const OF_A_QUEUE = {
  rate: 'limiter rateLimit',
  concurrency:
    'teamSize teamConcurrency maxConcurrency defaultConcurrency localConcurrency lockLimit maxWorkers localLimit',
  fleetConcurrency: 'globalConcurrency globalLimit',
  perKey: 'groupConcurrency',
  batch: 'batchSize',
  archive:
    'removeOnComplete keepJobs keepUntil retentionDays retentionHours retentionMinutes retentionSeconds deleteAfterSeconds archiveCompletedAfterSeconds completedJobRetentionPeriod pruner',
  deadLetter: 'removeOnFail discardedJobRetentionPeriod archiveFailedAfterSeconds',
};
const OF_THE_MODULE = {
  leaseMs: 'lockDuration heartbeatSeconds lockLifetime defaultLockLifetime rescueStuckJobsAfter',
  heartbeatIntervalMs: 'lockRenewTime',
  reaperIntervalMs: 'stalledInterval',
  janitorIntervalMs: 'maintenanceIntervalSeconds maintenanceIntervalMinutes',
  maxStalls: 'maxStalledCount',
  pollIntervalMs:
    'drainDelay pollingIntervalSeconds pollInterval pollingInterval newJobCheckInterval newJobCheckIntervalSeconds processEvery fetchPollInterval dispatchCooldown',
  shutdownGraceMs: 'gracefulShutdownAbortTimeout shutdownGracePeriod softStopTimeout',
};
const OF_A_HANDLER = { maxAttempts: 'defaultJobOptions' };

/** By their word: ours, and whose it is; where a word has several meanings, the first that is known here counts. */
const OURS = new Map<string, [ours: string, whose?: string][]>();
note(WORDS);
note(OF_A_SCHEDULE, 'a schedule');
note(OF_A_QUEUE, 'the queue (queues of the module)');
note(OF_THE_MODULE, 'the module');
note(OF_A_HANDLER, '@QueueHandler or defineJob (with backoff, timeoutMs ...)');

function note(words: object, whose?: string): void {
  for (const [ours, theirs] of Object.entries(words) as [string, string][])
    for (const word of [ours, ...theirs.split(' ')])
      OURS.set(word, [...(OURS.get(word) ?? []), [ours, whose]]);
}

/** What a caller who gave `word` probably meant: how another library says it, a slip, or whatever there is. */
export function hintFor(word: string, known: readonly string[]): string {
  const meanings = OURS.get(camelCase(word)) ?? [];
  const [ours] = meanings.find(([each]) => known.includes(each)) ?? [];
  const meant = ours ?? closestWord(word, known);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  const [elsewhere, whose] = meanings.find((each) => each[1]) ?? meanings[0] ?? [];
  if (whose !== undefined) return `that is "${elsewhere}" of ${whose}`;
  if (known.includes('job') && elsewhere) return `that is "${elsewhere}" within "job"`;
  return `there is ${listed(known, 30)}`;
}

/** `max_attempts` of Elixir and SQL, `MaxAttempts` of Go. */
const camelCase = (word: string): string =>
  word
    .replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase());
