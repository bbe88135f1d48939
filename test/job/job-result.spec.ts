import { describe, expect, it } from '@jest/globals';
import { JobResult } from '../../lib/job/job-result.js';

describe('JobResult', () => {
  it('carries the output of a success', () => {
    expect(JobResult.success({ sent: 3 }).verdict).toEqual({
      kind: 'success',
      output: { sent: 3 },
    });
  });

  it('can succeed without an output', () => {
    expect(JobResult.success().verdict).toEqual({ kind: 'success', output: undefined });
  });

  it('keeps what an error says when it fails with one', () => {
    expect(JobResult.fail(new TypeError('not a date')).verdict).toMatchObject({
      kind: 'fail',
      error: { name: 'TypeError', message: 'not a date' },
    });
  });

  it.each([
    ['fail', 'Failed'],
    ['unprocessable', 'UnprocessableError'],
    ['critical', 'CriticalError'],
  ] as const)('names a bare reason of %s by its kind', (kind, name) => {
    expect(JobResult[kind]('mail server down').verdict).toEqual({
      kind,
      error: { name, message: 'mail server down' },
    });
  });

  it('tells retry (spends the attempt) from reschedule (does not)', () => {
    const kinds = [JobResult.retryIn(5), JobResult.rescheduleIn(5)].map(({ verdict }) => verdict);
    expect(kinds).toEqual([
      { kind: 'retry', again: { delayMs: 5 } },
      { kind: 'reschedule', again: { delayMs: 5 } },
    ]);
  });

  it('runs again at a moment', () => {
    const at = new Date('2030-01-01T00:00:00Z');
    const verdicts = [JobResult.retryAt(at), JobResult.rescheduleAt(at)].map(
      ({ verdict }) => verdict,
    );
    expect(verdicts).toEqual([
      { kind: 'retry', again: { at } },
      { kind: 'reschedule', again: { at } },
    ]);
  });

  it('refuses an option that it does not know, which would be left out', () => {
    const mistyped = { slowdown: true } as object;
    expect(() => JobResult.retryIn(5, mistyped)).toThrow('unknown option "slowdown"');
    expect(() => JobResult.rescheduleIn(5, mistyped)).toThrow('unknown option "slowdown"');
  });

  it('gives the reason of a cancel', () => {
    expect([JobResult.cancel().verdict, JobResult.cancel('order gone').verdict]).toEqual([
      { kind: 'cancel', reason: 'cancelled by its handler' },
      { kind: 'cancel', reason: 'order gone' },
    ]);
  });

  it.each([-1, NaN, Infinity, '5' as unknown as number])('refuses %s as a delay', (ms) => {
    expect(() => JobResult.retryIn(ms)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
    expect(() => JobResult.rescheduleIn(ms)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });

  it.each([new Date(NaN), '2030-01-01', undefined, null])('refuses %s as a date', (date) => {
    expect(() => JobResult.retryAt(date as Date)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
    expect(() => JobResult.rescheduleAt(date as Date)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});
