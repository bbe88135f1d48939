import { expect, it } from '@jest/globals';
import { lasted, span } from '../../lib/cli/show/times.js';

it.each([
  [0, '0 ms', '0 ms'],
  [999.9, '999 ms', '999 ms'],
  [1_500, '1 s', '1.5 s'],
  [2_000, '2 s', '2 s'],
  [12_900, '12 s', '12 s'],
  [119_000, '1 min', '1.9 min'],
  [5_400_000, '1 h', '1.5 h'],
  [-5, '0 ms', '0 ms'],
])('%d ms is an age of %s, and a run of %s', (ms, age, run) => {
  expect([span(ms), lasted(ms)]).toEqual([age, run]);
});
