import { describe, expect, it } from '@jest/globals';
import { constant, custom } from '../../lib/job/backoff.js';
import { JobResult } from '../../lib/job/job-result.js';
import { afterFailure, outcomeOf, type Chances } from '../../lib/job/outcome.js';

const chances = (given: Partial<Chances> = {}): Chances => ({
  ...{ attempt: 1, maxAttempts: 3, rescheduledMs: 0, rescheduleForMs: 60_000 },
  backoff: constant({ delayMs: 7 }),
  ...given,
});
const error = { name: 'Error', message: 'no' };

describe('what becomes of a run', () => {
  it.each<[string, JobResult<unknown>, Partial<Chances>, object]>([
    ['a success', JobResult.success(5), {}, { kind: 'succeeded', output: 5 }],
    [
      'a failure with attempts left',
      JobResult.fail('no'),
      {},
      { kind: 'retried', again: { delayMs: 7 } },
    ],
    [
      'the last failure',
      JobResult.fail('no'),
      { attempt: 3 },
      { kind: 'failed', error: { message: 'no' } },
    ],
    ['a failure beyond the last', JobResult.fail('no'), { attempt: 9 }, { kind: 'failed' }],
    [
      'a retry in its own time',
      JobResult.retryIn(9),
      {},
      { kind: 'retried', again: { delayMs: 9 } },
    ],
    [
      'a retry without attempts left',
      JobResult.retryIn(9),
      { attempt: 3 },
      { kind: 'failed', error: { name: 'Retry' } },
    ],
    [
      'a reschedule',
      JobResult.rescheduleIn(9),
      { attempt: 3 },
      { kind: 'rescheduled', again: { delayMs: 9 } },
    ],
    [
      'a reschedule in the last moment',
      JobResult.rescheduleIn(9),
      { rescheduledMs: 59_999 },
      { kind: 'rescheduled' },
    ],
    [
      'a reschedule too late',
      JobResult.rescheduleIn(9),
      { rescheduledMs: 60_000 },
      { kind: 'expired', error: { code: 'RESCHEDULE_EXPIRED' } },
    ],
    [
      'a reschedule where none is allowed',
      JobResult.rescheduleIn(9),
      { rescheduleForMs: 0 },
      { kind: 'expired' },
    ],
    [
      'a reschedule since a time that nobody can read',
      JobResult.rescheduleIn(9),
      { rescheduledMs: NaN },
      { kind: 'expired' },
    ],
    [
      'a slow-down, however late',
      JobResult.rescheduleIn(9, { slowDown: true }),
      { rescheduledMs: 1e9 },
      { kind: 'released', reason: 'slowDown' },
    ],
    ['a cancel', JobResult.cancel('gone'), { attempt: 3 }, { kind: 'cancelled', reason: 'gone' }],
    [
      'what can never work',
      JobResult.unprocessable('bad'),
      {},
      { kind: 'unprocessable', error: { message: 'bad' } },
    ],
    [
      'what is broken',
      JobResult.critical('bad'),
      {},
      { kind: 'critical', error: { message: 'bad' } },
    ],
  ])('%s', (_, { verdict }, given, outcome) => {
    expect(outcomeOf(verdict, chances(given))).toMatchObject(outcome);
  });

  it('a verdict of a newer copy of the package is a failure that names it', () => {
    const outcome = outcomeOf({ kind: 'snooze' } as never, chances({ attempt: 3 }));
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'HANDLER_INVALID', message: expect.stringContaining('"snooze"') },
    });
  });

  it('asks a backoff of the application about what was thrown, else about the failure', () => {
    const asked: unknown[] = [];
    const backoff = custom((attempt, thrown) => asked.push(attempt, thrown));
    const thrown = new TypeError('no');
    afterFailure(error, chances({ backoff }), thrown);
    afterFailure(error, chances({ backoff, attempt: 2 }));
    expect(asked).toEqual([1, thrown, 2, error]);
  });
});
