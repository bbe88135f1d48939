import { describe, expect, it } from '@jest/globals';
import { constant } from '../../lib/job/backoff.js';
import { CANCELLED, type Outcome } from '../../lib/job/outcome.js';
import { QueuePolicies } from '../../lib/options/queue-policy.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import {
  afterCompletion,
  buriedAs,
  burialOf,
  completionOf,
  isGoing,
  plainOutcome,
  returnOf,
} from '../../lib/settle/commands.js';

const error = { name: 'Error', message: 'no' };
const again = { delayMs: 5 };
const settings = {
  archive: { keepMs: 60_000 },
  deadLetter: { keepMs: 90_000 },
  onDeadJob: 'halt',
} as const;
const policy = new QueuePolicies(resolveOptions({ queues: { mail: settings } }).options).of('mail');
const run = {
  ...{
    id: 'a',
    epoch: 2,
    laneId: 1,
    queue: 'mail',
    name: '',
    attempt: 1,
    maxAttempts: 2,
    runMs: 7,
    policy,
    isKeyed: false,
    isOrdered: true,
  },
  backoff: constant({ delayMs: 9 }),
  completed: false,
};
const entryOf = (outcome: string, { name, message } = error) => ({
  ...{ attempt: 1, outcome, error: { name, message }, worker: 'w', runMs: 7 },
});

describe('what the database is told', () => {
  it('of a success: how long it is kept, and its output', () => {
    expect(completionOf(run, '1')).toEqual({
      id: 'a',
      epoch: 2,
      runMs: 7,
      keepMs: 60_000,
      output: '1',
    });
  });

  it.each<[Outcome, object]>([
    [
      { kind: 'retried', again, error },
      { delayMs: 5, spent: 1, rescheduled: 0, ran: true, error, entry: entryOf('retried') },
    ],
    [
      { kind: 'rescheduled', again: { at: new Date(0) } },
      { at: new Date(0).toISOString(), spent: 0, rescheduled: 1, ran: true },
    ],
    [
      { kind: 'released', again, reason: 'shutdown' },
      { delayMs: 5, spent: 0, rescheduled: 0, ran: false },
    ],
  ])('of a job that runs again: %j', (outcome, change) => {
    expect(isGoing(outcome)).toBe(true);
    expect(returnOf({ run, outcome }, 'w')).toEqual({ id: 'a', epoch: 2, change });
  });

  it.each<[Outcome, 0 | 1, { name: string; message: string }]>([
    [{ kind: 'failed', error }, 1, error],
    [{ kind: 'critical', error }, 1, error],
    [{ kind: 'unprocessable', error }, 1, error],
    [{ kind: 'poisoned', error }, 0, error],
    [{ kind: 'cancelled', reason: 'why' }, 0, { name: 'Cancelled', message: 'why' }],
  ])('of one that ends badly: %j', (outcome, spent, told) => {
    const kept = { archiveKeepMs: 60_000, deadLetterKeepMs: 90_000, onDeadJob: 'halt' };
    const verdict = {
      state: outcome.kind,
      spent,
      runMs: 7,
      ...kept,
      errorKey: outcome.kind === 'cancelled' ? undefined : expect.stringMatching(/^[0-9a-f]{16}$/),
      error: told,
      entry: entryOf(outcome.kind, told),
    };
    expect(burialOf({ run, outcome }, 'w')).toEqual({ id: 'a', epoch: 2, verdict });
  });
});

describe('what becomes of a run instead', () => {
  it('is cancelled, where its cancel was requested while it ran', () => {
    expect(buriedAs({ kind: 'failed', error }, 'failed')).toEqual({ kind: 'failed', error });
    expect(buriedAs({ kind: 'failed', error }, 'cancelled')).toEqual(CANCELLED);
  });

  it('has failed, where its handler completed it in a transaction that rolled back', () => {
    const outcome: Outcome = { kind: 'succeeded', output: 1 };
    expect(afterCompletion({ run, outcome })).toEqual({ run, outcome });
    const completed = { ...run, completed: true };
    const code = { code: 'COMPLETION_ROLLED_BACK' };
    expect(afterCompletion({ run: completed, outcome }).outcome).toMatchObject({
      kind: 'retried',
      again: { delayMs: 9 },
      error: code,
    });
    const last = { ...completed, attempt: 2 };
    expect(afterCompletion({ run: last, outcome }).outcome).toMatchObject({
      kind: 'failed',
      error: code,
    });
  });

  it('retries what has failed with a text that the database cannot hold, and keeps the rest of the text', () => {
    const told = { name: 'Error', message: 'no 😀, no €', stack: 'at é' };
    expect(plainOutcome({ kind: 'retried', again, error: told }, { sqlState: '22P05' })).toEqual({
      kind: 'retried',
      again,
      error: { name: 'Error', message: 'no ?, no ?', stack: 'at ?' },
    });
  });

  it('says nothing of what could not be stored, and runs no more where nobody knows when', () => {
    const refusal = { sqlState: '22P05' };
    const kinds = (outcome: Outcome) => plainOutcome(outcome, refusal, true).kind;
    expect(kinds({ kind: 'retried', again, error })).toBe('failed');
    expect(kinds({ kind: 'rescheduled', again })).toBe('failed');
    expect(kinds({ kind: 'critical', error })).toBe('critical');
    expect(kinds(CANCELLED)).toBe('cancelled');
    expect(plainOutcome({ kind: 'succeeded', output: 1 }, { sqlState: '22P05' })).toEqual({
      kind: 'succeeded',
      output: undefined,
    });
  });
});
