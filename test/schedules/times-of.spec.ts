import { expect, it } from '@jest/globals';
import { timesOf } from '../../lib/schedules/times-of.js';

it('leaves the process to others between a few times and the next', async () => {
  let [atOnce, most, isOver] = [0, 0, false];
  const calendar = { next: (after: number) => ((most = Math.max(most, ++atOnce)), after + 1) };
  const others = (async () => {
    for (; !isOver; atOnce = 0) await new Promise(setImmediate);
  })();

  expect(await timesOf(calendar, 0, 1_000)).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1));
  isOver = true;
  await others;
  expect(most).toBeLessThanOrEqual(10);
});
