import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { Loop } from '../../lib/runtime/loop.js';
import { LAST_WORDS_MS } from '../../lib/storage/storage.js';
import { Shutdown } from '../../lib/worker/shutdown.js';
import type { Crew } from '../../lib/worker/crew.js';
import { aGate } from '../support/gate.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

// Each of three times of five seconds began behind the one before: a stop beside a silent server took 40 s.
it('tries to write results for one time, however long the loops take to stop', async () => {
  const rounds: number[] = [];
  const settle = () => {
    rounds.push(performance.now());
    return Promise.reject(new Error('the connection is cut'));
  };
  const crew = { settler: { isEmpty: false }, claims: {}, settleQueue: { settle } };
  const gate = aGate();
  const stop = () => gate.passed;
  const loops = { poll: { stop }, janitor: { stop } } as unknown as Record<string, Loop>;

  const startedAt = performance.now();
  const flushed = new Shutdown(crew as unknown as Crew).flush(loops);
  await jest.advanceTimersByTimeAsync(LAST_WORDS_MS);
  gate.open();
  await jest.advanceTimersByTimeAsync(3 * LAST_WORDS_MS);
  await flushed;

  const [first, last] = [rounds[0]! - startedAt, rounds.at(-1)! - startedAt];
  expect(first).toBe(LAST_WORDS_MS);
  expect(last).toBeLessThan(LAST_WORDS_MS + 500);
});

// As fast as the server replied, for five seconds.
it('rests between two looks at a job that somebody holds locked', async () => {
  let looks = 0;
  const settle = async () => (looks++, 1_000);
  const poll = async () => 0;
  const crew = {
    settler: { isEmpty: false },
    claims: {},
    settleQueue: { settle },
    poller: { poll },
  };

  const flushed = new Shutdown(crew as unknown as Crew).flush();
  await jest.advanceTimersByTimeAsync(2 * LAST_WORDS_MS);
  await flushed;

  expect(looks).toBeLessThanOrEqual(LAST_WORDS_MS / 100 + 2);
  expect(looks).toBeGreaterThan(10);
});
