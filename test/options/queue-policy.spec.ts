import { describe, expect, it } from '@jest/globals';
import { constant } from '../../lib/job/backoff.js';
import { DEFAULTS } from '../../lib/options/option-rules.js';
import { attemptsOf, QueuePolicies } from '../../lib/options/queue-policy.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';

const DAY_MS = 86_400_000;
const policiesOf = (options: SimpleQueueOptions = {}) =>
  new QueuePolicies(resolveOptions(options).options);

describe('what holds for a queue', () => {
  it('is the default where nobody says anything', () => {
    expect(policiesOf().of('mail')).toEqual({
      maxAttempts: DEFAULTS.maxAttempts,
      backoff: DEFAULTS.backoff,
      timeoutMs: undefined,
      concurrency: undefined,
      maxPending: undefined,
      ordered: false,
      fair: false,
      archiveKeepMs: 7 * DAY_MS,
      deadLetterKeepMs: 30 * DAY_MS,
      onDeadJob: 'block',
      uses: [],
    });
  });

  it("is the module's word before the default, and the queue's own before that", () => {
    const policies = policiesOf({
      maxAttempts: 5,
      timeoutMs: 1_000,
      archive: false,
      queues: {
        mail: { maxAttempts: 7, archive: { keepMs: DAY_MS }, ordered: true, onDeadJob: 'skip' },
      },
    });
    expect(policies.of('mail')).toMatchObject({
      maxAttempts: 7,
      timeoutMs: 1_000,
      archiveKeepMs: DAY_MS,
    });
    expect(policies.of('mail')).toMatchObject({ ordered: true, onDeadJob: 'skip' });
    expect(policies.of('other')).toMatchObject({
      maxAttempts: 5,
      archiveKeepMs: undefined,
      ordered: false,
      onDeadJob: 'block',
    });
  });

  it("is a handler's word about attempts, and about nothing else", () => {
    const policies = policiesOf({ queues: { mail: { maxAttempts: 7, concurrency: 3 } } });
    const handler = { maxAttempts: 2, backoff: undefined, concurrency: 9 };
    expect(policies.handledBy(handler, 'mail')).toEqual({ ...policies.of('mail'), maxAttempts: 2 });
  });

  it("is the job's own word before all, with the attempts that it was granted", () => {
    const policy = policiesOf({ backoff: constant({ delayMs: 1 }) }).of('mail');
    expect(attemptsOf(policy, null)).toBe(3);
    expect(attemptsOf(policy, { maxAttempts: 8, extraAttempts: 2 })).toBe(10);
    expect(attemptsOf(policy, { extraAttempts: 2 }, 4)).toBe(7);
  });
});

describe('for statements that meet any queue', () => {
  it('a setting stands by the names of queues that differ, and once for the rest', () => {
    const queues = {
      kept: { archive: { keepMs: DAY_MS } },
      gone: { archive: false as const },
      same: { maxAttempts: 1 },
    };
    const archive = policiesOf({ queues }).byQueue('archiveKeepMs');
    expect({ ...archive }).toEqual({ '': 7 * DAY_MS, kept: DAY_MS, gone: null });
  });

  it('a queue may be called as what objects inherit', () => {
    const queues = JSON.parse(
      '{ "__proto__": { "onDeadJob": "halt" } }',
    ) as SimpleQueueOptions['queues'];
    const deadJobs = policiesOf({ queues }).byQueue('onDeadJob');
    expect(JSON.stringify(deadJobs)).toBe('{"":"block","__proto__":"halt"}');
    expect('constructor' in deadJobs).toBe(false);
  });

  it('partitions are made for the longest that any queue keeps its jobs', () => {
    const queues = { mail: { archive: { keepMs: 9 * DAY_MS }, deadLetter: { keepMs: DAY_MS } } };
    expect(policiesOf({ archive: false, queues }).longestKeepMs()).toEqual({
      archive: 9 * DAY_MS,
      dead_letter: 30 * DAY_MS,
      tally: 30 * DAY_MS,
    });
    expect(policiesOf({ archive: false }).longestKeepMs().archive).toBe(0);
    expect(policiesOf({ tally: false }).longestKeepMs().tally).toBe(0);
  });
});
