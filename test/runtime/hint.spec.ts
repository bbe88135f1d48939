import { expect, it } from '@jest/globals';
import { JOB_EVENT_NAMES } from '../../lib/observability/events.js';
import { hintFor } from '../../lib/runtime/hint.js';

const JOB = ['id', 'delayMs', 'runAt', 'uniqueKey', 'periodMs', 'priority', 'maxAttempts', 'backoff', 'timeoutMs', 'manager']; // prettier-ignore
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
])('of a job, %s is %s', (word, meant) => {
  expect(hintFor(word, JOB)).toBe(`did you mean "${meant}"?`);
});

it.each([
  ['pattern', 'cron'],
  ['tz', 'timeZone'],
  ['every', 'everyMs'],
  ['startDate', 'startAt'],
  ['opts', 'job'],
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

it('says whose it is where it is not known here', () => {
  expect(hintFor('removeOnComplete', JOB)).toBe(
    'that is "archive" of the queue (queues of the module)',
  );
  expect(hintFor('cron', JOB)).toBe('that is "cron" of a schedule');
  expect(hintFor('priority', SCHEDULE)).toBe('that is "priority" within "job"');
});

it('lists what there is where it knows nothing', () => {
  expect(hintFor('drained', ['enqueued', 'started'])).toBe('there is enqueued, started');
});

it.each(['tz', 'db', 'xy', '', '__proto__'])('guesses nothing of %p', (word) => {
  expect(hintFor(word, ['id', 'name'])).not.toContain('did you mean');
});
