import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { checkedJob } from '../../lib/enqueue/new-job.js';
import { constant, custom } from '../../lib/job/backoff.js';
import type { JobOptions } from '../../lib/job/enqueue-options.js';
import { QueueError } from '../../lib/job/queue.errors.js';

const ID = '0191d0a0-0000-7000-8000-000000000001';
const check = (options: JobOptions = {}, payload: unknown = {}, queue = 'mail') =>
  checkedJob(queue, payload, options, { maxPayloadBytes: 1_000, newId: () => ID });
const refused = (code: string, part: string | RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(part) }) as unknown as Error;

describe('a new job', () => {
  it('keeps the bytes as they are at the call, as it keeps the payload', () => {
    const memory = Uint8Array.from([0, 1, 2, 3]);
    const { payloadBytes } = check({ payloadBytes: memory.subarray(1, 3) });
    memory.fill(9);
    expect(payloadBytes).toEqual(Buffer.from([1, 2]));
  });

  it('stores only what was given', () => {
    const given = {
      queue: 'mail',
      name: '',
      labels: [],
      id: ID,
      givenId: false,
      payload: '{}',
      priority: 0,
      options: undefined,
    };
    expect(check()).toEqual(given);
  });

  it('carries everything that can be given', () => {
    const runAt = new Date('2030-01-02T03:04:05Z');
    const options = {
      headers: { a: 'b' },
      maxAttempts: 5,
      backoff: constant({ delayMs: 9 }),
      timeoutMs: 7,
      workflowId: 'w',
    };
    const job = check({
      ...options,
      name: 'n',
      labels: ['b', 'a', 'b'],
      runAt,
      priority: -7,
      uniqueKey: 'k',
      fingerprint: 'f',
      payloadBytes: new Uint8Array([1, 2]),
    });
    expect(job).toMatchObject({
      name: 'n',
      labels: ['a', 'b'],
      at: runAt,
      priority: -7,
      uniqueKey: 'k',
      fingerprint: 'f',
      payloadBytes: Buffer.from([1, 2]),
    });
    expect(JSON.parse(job.options!)).toEqual(options);
  });

  it("has the caller's id in lower case, and remembers that it is the caller's", () => {
    expect(check({ id: ID.toUpperCase() })).toMatchObject({ id: ID, givenId: true });
  });

  it('is due now where its time is before all times', () => {
    expect(check({ runAt: new Date(-8.64e15) }).at?.getTime()).toBe(0);
  });

  it.each([
    [{ id: 'no' }, /UUID/],
    [{ runAt: new Date(Number.NaN) }, /runAt/],
    [{ runAt: '2030-01-01' as never }, /runAt/],
    [{ runAt: new Date('+010000-01-01') }, /9999/],
    [{ runAt: new Date(), delayMs: 1 }, /together/],
    [{ delayMs: -1 }, /delayMs/],
    [{ delayMs: Number.NaN }, /delayMs/],
    [{ delayMs: Infinity }, /delayMs/],
    [{ delayMs: '5' as never }, /delayMs/],
    [{ priority: 32_768 }, /priority/],
    [{ priority: -32_769 }, /priority/],
    [{ priority: 0.5 }, /whole/],
    [{ priority: Number.NaN }, /priority/],
    [{ uniqueKey: '' }, /uniqueKey/],
    [{ uniqueKey: 'x'.repeat(513) }, /uniqueKey/],
    [{ uniqueKey: 'a\0b' }, /uniqueKey/],
    [{ fingerprint: '\ud800' }, /fingerprint/],
    [{ fingerprint: 5 as never }, /fingerprint/],
    [{ workflowId: '' }, /workflowId/],
    [{ labels: 'gpu' as never }, /labels/],
    [{ maxAttempts: 0 }, /maxAttempts/],
    [{ maxAttempts: 1_001 }, /maxAttempts/],
    [{ timeoutMs: 0 }, /timeoutMs/],
    [{ timeoutMs: 1.5 }, /timeoutMs/],
    [{ headers: { a: 5 as never } }, /headers/],
    [{ headers: { a: 'b\0' } }, /headers/],
    [{ headers: { a: 'x'.repeat(9_000) } }, /headers/],
    [{ payloadBytes: 'text' as never }, /payloadBytes/],
    [{ backoff: custom(() => 1) as never }, /custom/],
    [{ uniqeKey: 'typo' } as never, /uniqueKey/],
  ])('is refused with %j', (options, part) => {
    expect(() => check(options)).toThrow(refused('INVALID_OPTION', part));
  });

  it('is refused with a name that is none, and with too many bytes', () => {
    expect(() => check({}, {}, 'no name')).toThrow(refused('INVALID_NAME', 'queue name'));
    expect(() => check({ labels: ['no label'] })).toThrow(
      refused('INVALID_NAME', '"no label" is not a label'),
    );
    expect(() => check({ name: 'no name' })).toThrow(refused('INVALID_NAME', 'job name'));
    expect(() => check({ payloadBytes: new Uint8Array(1_001) })).toThrow(
      refused('PAYLOAD_TOO_LARGE', '1001'),
    );
    expect(() => check({}, 'x'.repeat(1_001))).toThrow(refused('PAYLOAD_TOO_LARGE', /./));
  });

  it('never shows the payload in its refusals', () => {
    const payload = { secret: 'canary-4711', bad: 1n };
    expect(() => check({}, payload)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('canary') }),
    );
  });

  it('is either made or refused with a code, whatever is given', () => {
    fc.assert(
      fc.property(
        fc.record({
          priority: fc.anything(),
          delayMs: fc.anything(),
          uniqueKey: fc.anything(),
          id: fc.anything(),
        }),
        (options) => {
          try {
            check(options as never);
          } catch (error) {
            expect(error).toBeInstanceOf(QueueError);
          }
        },
      ),
    );
  });
});
