import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { RecentAnswer } from '../../lib/runtime/recent-answer.js';
import { LATE } from '../../lib/runtime/within.js';

let asked: number;
let answer: (value: string) => void;
let refuse: (error: Error) => void;
let recent: RecentAnswer<string>;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  asked = 0;
  recent = new RecentAnswer(() => {
    asked++;
    return new Promise((resolve, reject) => ([answer, refuse] = [resolve, reject]));
  }, 1_000);
});
afterEach(() => void jest.useRealTimers());

it('lets all who ask at once share one question, and its answer while that is fresh', async () => {
  const both = [recent.get(100), recent.get(100)];
  answer('here');
  expect(await Promise.all(both)).toEqual(['here', 'here']);
  jest.advanceTimersByTime(999);
  expect(await recent.get(100)).toBe('here');
  expect(asked).toBe(1);
  jest.advanceTimersByTime(1);
  const again = recent.get(100);
  answer('new');
  expect(await again).toBe('new');
  expect(asked).toBe(2);
});

it('waits no longer than the asker wants to, and asks no second time while the question is open', async () => {
  const first = recent.get(100);
  jest.advanceTimersByTime(100);
  expect(await first).toBe(LATE);
  jest.advanceTimersByTime(10_000);
  const second = recent.get(100);
  answer('late');
  expect(await second).toBe('late');
  expect(asked).toBe(1);
});

it('keeps a failure as long as an answer, and then asks again', async () => {
  const first = recent.get(100);
  refuse(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await expect(recent.get(100)).rejects.toThrow('away');
  jest.advanceTimersByTime(1_000);
  const next = recent.get(100);
  answer('back');
  expect(await next).toBe('back');
  expect(jest.getTimerCount()).toBe(0);
});
