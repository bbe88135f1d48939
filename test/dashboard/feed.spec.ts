import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Feed } from '../../lib/dashboard/feed.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Somebody who looks on, until `close`. */
const aStream = () =>
  Object.assign(new EventEmitter(), {
    setHeader: () => undefined,
    write: () => true,
    end: () => undefined,
    writableLength: 0,
  }) as unknown as ServerResponse;

it('looks once at a time, where all went during a look and others came', async () => {
  const looks: ((seen: unknown) => void)[] = [];
  const feed = new Feed(() => new Promise((seen) => looks.push(seen)));
  const first = aStream();
  feed.add(first);
  await jest.advanceTimersByTimeAsync(2_000);
  expect(looks).toHaveLength(1);

  first.emit('close');
  feed.add(aStream());
  looks[0]!('one');
  await jest.advanceTimersByTimeAsync(2_000);
  looks[1]!('two');
  await jest.advanceTimersByTimeAsync(2_000);
  expect(looks).toHaveLength(3);
  feed.close();
});
