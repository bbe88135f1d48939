import { describe, expect, it } from '@jest/globals';
import { exponential, linear } from '../../../lib/job/backoff.js';
import { JobResult } from '../../../lib/job/job-result.js';
import { inMs, parseDuration, type Duration } from '../../../lib/job/values/duration.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { checkedJob } from '../../../lib/enqueue/new-job.js';

describe('a duration', () => {
  it.each([
    ['15 s', 15_000],
    ['15s', 15_000],
    ['250ms', 250],
    ['1.5 h', 5_400_000],
    ['0.29 s', 290],
    ['10min', 600_000],
    ['10 m', 600_000],
    ['1 minute', 60_000],
    ['7 days', 604_800_000],
    ['2 Weeks', 1_209_600_000],
    [' 1 hour ', 3_600_000],
    ['0 s', 0],
  ])('%j is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '15',
    's',
    '-1 s',
    '1e3 s',
    '15 parsecs',
    '1 month',
    '1h 30min',
    '__proto__',
    '1  s',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('stands in every option of the module that takes milliseconds', () => {
    const { options } = resolveOptions({
      leaseMs: '30 s',
      stuckMs: '2 min',
      archive: { keepMs: '7 days' },
      reaperIntervalMs: '3s',
      queues: { syncMs: { timeoutMs: '1 h', deadLetter: { keepMs: '90d' } } },
      backoff: { type: 'constant', delayMs: '5 s' as never },
    });
    expect(options).toMatchObject({
      leaseMs: 30_000,
      stuckMs: 120_000,
      archive: { keepMs: 604_800_000 },
      reaperIntervalMs: 3_000,
      backoff: { delayMs: 5_000 },
    });
    expect(options.queues.get('syncMs')).toMatchObject({
      timeoutMs: 3_600_000,
      deadLetter: { keepMs: 7_776_000_000 },
    });
  });

  it('of a module that is none, or too long, is named with what may stand there', () => {
    const slips = { leaseMs: '15 parsecs' as Duration, pollIntervalMs: '2 days' as Duration };
    expect(() => resolveOptions(slips)).toThrow(
      'leaseMs must be a whole number from 100 to 86,400,000 in milliseconds, or as a text such as "15 s" or "7 days", not "15 parsecs"\n- pollIntervalMs must be a whole number from 10 to 3,600,000, not 172800000',
    );
  });

  it('stands in backoffs and in what a handler returns', () => {
    expect(linear({ delayMs: '5 s', maxMs: '1 h' })).toEqual({
      type: 'linear',
      delayMs: 5_000,
      maxMs: 3_600_000,
    });
    expect(exponential({ baseMs: '1s' })).toMatchObject({ baseMs: 1_000 });
    expect(JobResult.retryIn('2 min').verdict).toEqual({
      kind: 'retry',
      again: { delayMs: 120_000 },
    });
    expect(JobResult.rescheduleIn('1 day').verdict).toEqual({
      kind: 'reschedule',
      again: { delayMs: 86_400_000 },
    });
    expect(() => JobResult.retryIn('soon' as Duration)).toThrow('"soon" is not a delay');
  });

  it('stands in what an enqueue says of its job', () => {
    const limits = { newId: () => '', maxPayloadBytes: 100, ordered: false, fair: false };
    const job = (options: object) => checkedJob('mail', null, options, limits);
    expect(job({ delayMs: '10min' })).toMatchObject({ delayMs: 600_000 });
    expect(job({ uniqueKey: 'a', onConflict: 'throttle', periodMs: '1 h' })).toMatchObject({
      periodMs: 3_600_000,
    });
    expect(job({ staged: true, commitWithinMs: '2 min' })).toMatchObject({
      commitWithinMs: 120_000,
    });
    const { options } = job({ timeoutMs: '3 s', backoff: { type: 'constant', delayMs: '1 s' } });
    expect(JSON.parse(options!)).toEqual({
      timeoutMs: 3_000,
      backoff: { type: 'constant', delayMs: 1_000 },
    });
    expect(() => job({ delayMs: 'soon' })).toThrow('or as a text such as "15 s"');
    expect(() => job({ uniqueKey: 'a', onConflict: 'debounce', periodMs: 'soon' })).toThrow(
      'or as a text such as "15 s"',
    );
  });

  it('leaves alone what has no unit to lose', () => {
    const options = { leaseMs: 5, queues: { mail: {} }, at: new Date() };
    expect(inMs(options)).toBe(options);
  });
});
