import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { JobResult } from '../../lib/job/job-result.js';
import { isError } from '../../lib/job/kinds.js';
import { Permit } from '../../lib/job/permit.js';
import { QueueError, UnprocessableError } from '../../lib/job/queue.errors.js';
import { aSecondCopy } from '../support/second-copy.js';

class Bad extends UnprocessableError {}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('what two copies of the package hand each other', () => {
  it('is known by both: results, permits, errors', async () => {
    const copy = await aSecondCopy();
    expect(copy.JobResult).not.toBe(JobResult);
    expect(copy.JobResult.fail('no') instanceof JobResult).toBe(true);
    expect(JobResult.fail('no') instanceof copy.JobResult).toBe(true);
    expect(new copy.Permit(() => undefined) instanceof Permit).toBe(true);
    expect(copy.Permit.free instanceof Permit).toBe(true);
    expect(new copy.UnprocessableError('bad') instanceof UnprocessableError).toBe(true);
    expect(new copy.CriticalError('broken') instanceof QueueError).toBe(true);
  });

  it('is told apart as ever', async () => {
    const copy = await aSecondCopy();
    expect(new copy.CriticalError('broken') instanceof UnprocessableError).toBe(false);
    expect(new UnprocessableError('bad') instanceof Bad).toBe(false);
    expect(new Bad('bad') instanceof Bad).toBe(true);
    expect(new Bad('bad') instanceof QueueError).toBe(true);
    for (const other of [undefined, null, 1, 'text', {}, new Error('no'), revoked()]) {
      expect((other as unknown) instanceof JobResult).toBe(false);
      expect((other as unknown) instanceof Bad).toBe(false);
    }
  });
});

it('an error is one in whatever realm it was made, and nothing hostile is', () => {
  expect(isError(runInNewContext('new TypeError("no")'))).toBe(true);
  expect(isError(new Bad('bad'))).toBe(true);
  expect(isError(Object.create(Error.prototype))).toBe(true);
  for (const other of [undefined, null, 'Error', { name: 'Error', message: 'no' }, revoked()])
    expect(isError(other)).toBe(false);
});
