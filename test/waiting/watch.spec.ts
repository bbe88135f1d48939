import { expect, it } from '@jest/globals';
import { QueueError } from '../../lib/job/queue.errors.js';
import { Waiter } from '../../lib/waiting/waiter.js';
import { Watch } from '../../lib/waiting/watch.js';

const LONGEST_MS = 100;
const END = { id: '1', state: 'succeeded', output: 1 } as const;

function aWatch({ isExpected = false } = {}): { watch: Watch; join: (now: number) => void } {
  const watch = new Watch('1');
  watch.isExpected = isExpected;
  const join = (now: number): void => {
    watch.add(new Waiter(undefined), now);
  };
  return { watch, join };
}

it('is looked at at once, then in twice the time, up to the longest', () => {
  const { watch, join } = aWatch();
  join(0);
  const looks = [watch.nextLookAt];
  for (let n = 0; n < 7; n++) {
    watch.looked(watch.nextLookAt, LONGEST_MS);
    looks.push(watch.nextLookAt);
  }
  expect(looks).toEqual([0, 10, 30, 70, 150, 250, 350, 450]);
});

it('that was just stored is left alone for a moment, unless something was heard of it', () => {
  const { watch, join } = aWatch({ isExpected: true });
  join(0);
  expect(watch.nextLookAt).toBe(5);

  const heard = aWatch({ isExpected: true });
  heard.watch.hint();
  expect(heard.watch.nextLookAt).toBe(Infinity);
  heard.join(0);
  expect(heard.watch.isDue(0)).toBe(true);
});

it('is looked at at once for a waiter that comes later', () => {
  const { watch, join } = aWatch();
  join(0);
  watch.looked(0, LONGEST_MS);
  watch.looked(10, LONGEST_MS);
  join(12);
  expect(watch.nextLookAt).toBe(12);
});

it('that is nearly due goes with the others', () => {
  const { watch, join } = aWatch();
  join(0);
  for (let n = 0; n < 5; n++) watch.looked(1_000, LONGEST_MS);
  expect([watch.isDue(1_070), watch.isDue(1_076)]).toEqual([false, true]);
});

it('for which nobody waits is not looked at, and kept only while it is expected', () => {
  const { watch } = aWatch({ isExpected: true });
  expect([watch.isDue(1e9), watch.isOver]).toEqual([false, false]);
  watch.isExpected = false;
  expect(watch.isOver).toBe(true);
});

// A look that left before the job was stored told a waiter that came afterwards that nobody knows it.
it('is over for those alone who waited when the look left', async () => {
  const { watch } = aWatch();
  const [early, late] = [new Waiter(undefined), new Waiter(undefined)];
  const sentAt = early.since + 1;
  Object.assign(late, { since: sentAt + 1 });
  for (const waiter of [early, late]) watch.add(waiter, waiter.since);

  watch.fail(new QueueError('JOB_UNKNOWN', 'not known'), sentAt);
  watch.end(END, late.since);

  await expect(early.over).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
  expect(await late.over).toBe(END);
});
