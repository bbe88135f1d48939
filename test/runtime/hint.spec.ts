import { expect, it } from '@jest/globals';
import { JOB_EVENT_NAMES } from '../../lib/observability/events.js';
import { hintFor } from '../../lib/runtime/hint.js';

const JOB = ['id', 'delayMs', 'runAt', 'uniqueKey', 'periodMs', 'priority', 'payload', 'group', 'labels', 'onConflict', 'maxAttempts', 'backoff', 'timeoutMs', 'manager']; // prettier-ignore
const SCHEDULE = ['cron', 'everyMs', 'timeZone', 'startAt', 'payload', 'job', 'target'];

it.each([
  ['jobId', 'id'],
  ['attempts', 'maxAttempts'],
  ['retryLimit', 'maxAttempts'],
  ['singletonKey', 'uniqueKey'],
  ['deduplication', 'uniqueKey'],
  ['startAfter', 'runAt'],
  ['expireInSeconds', 'timeoutMs'],
  ['tx', 'manager'],
  ['delay', 'delayMs'],
  ['priorty', 'priority'],
  ['dedupe', 'uniqueKey'],
  ['queueName', 'group'],
  ['jobKeyMode', 'onConflict'],
  ['args', 'payload'],
  ['schedule_in', 'delayMs'],
  ['max_attempts', 'maxAttempts'],
  ['ScheduledAt', 'runAt'],
  ['UniqueOpts', 'uniqueKey'],
  ['flags', 'labels'],
  ['retry', 'maxAttempts'],
])('of a job, %s is %s', (word, meant) => {
  expect(hintFor(word, JOB)).toBe(`did you mean "${meant}"?`);
});

it.each([
  ['pattern', 'cron'],
  ['tz', 'timeZone'],
  ['every', 'everyMs'],
  ['startDate', 'startAt'],
  ['opts', 'job'],
  ['cronExpression', 'cron'],
  ['immediately', 'startAt'],
  ['RunOnStart', 'startAt'],
  ['repeatTimezone', 'timeZone'],
  ['interval', 'everyMs'],
  ['queueName', 'target'],
])('of a schedule, %s is %s', (word, meant) => {
  expect(hintFor(word, SCHEDULE)).toBe(`did you mean "${meant}"?`);
});

it.each([
  ['completed', 'succeeded'],
  ['active', 'started'],
  ['stalled', 'leaseLost'],
  ['waiting', 'enqueued'],
  ['fialed', 'failed'],
])('of events, %s is %s', (word, meant) => {
  expect(hintFor(word, JOB_EVENT_NAMES)).toBe(`did you mean "${meant}"?`);
});

it.each([
  ['pollingInterval', 'pollIntervalMs'],
  ['newJobCheckInterval', 'pollIntervalMs'],
  ['processEvery', 'pollIntervalMs'],
  ['lockRenewTime', 'heartbeatIntervalMs'],
  ['rescue_stuck_jobs_after', 'leaseMs'],
  ['pgPool', 'dataSource'],
  ['processors', 'worker'],
])('of the module, %s is %s', (word, meant) => {
  const known = ['dataSource', 'worker', 'pollIntervalMs', 'heartbeatIntervalMs', 'leaseMs'];
  expect(hintFor(word, known)).toBe(`did you mean "${meant}"?`);
});

it('says whose it is where it is not known here', () => {
  expect(hintFor('removeOnComplete', JOB)).toBe(
    'that is "archive" of the queue (queues of the module)',
  );
  expect(hintFor('cron', JOB)).toBe('that is "cron" of a schedule');
  expect(hintFor('defaultJobOptions', ['queues'])).toBe(
    'that is "maxAttempts" of @QueueHandler or defineJob (with backoff, timeoutMs ...)',
  );
  expect(hintFor('priority', SCHEDULE)).toBe('that is "priority" within "job"');
});

it('lists what there is where it knows nothing', () => {
  expect(hintFor('drained', ['enqueued', 'started'])).toBe('there is enqueued, started');
});

it.each(['tz', 'db', 'xy', '', '__proto__'])('guesses nothing of %p', (word) => {
  expect(hintFor(word, ['id', 'name'])).not.toContain('did you mean');
});
