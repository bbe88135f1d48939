import { expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { closestWord } from '../../lib/runtime/closest-word.js';

const KNOWN = ['concurrency', 'queueConcurrency', 'leaseMs', 'worker'];

it.each([
  ['concurency', 'concurrency'],
  ['Concurrency', 'concurrency'],
  ['leaseMS', 'leaseMs'],
  ['lease', 'leaseMs'],
  ['workers', 'worker'],
  ['wokrer', 'worker'],
  ['laeseSM', 'leaseMs'],
])('takes %s for %s', (word, meant) => {
  expect(closestWord(word, KNOWN)).toBe(meant);
});

it.each(['redis', '', 'x'.repeat(10_000), '__proto__'])('has no guess for %.20s', (word) => {
  expect(closestWord(word, KNOWN)).toBeUndefined();
});

it('has no guess where nothing is known', () => {
  expect(closestWord('worker', [])).toBeUndefined();
});

it('finds a word with one letter dropped', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KNOWN), fc.nat(), (word, at) => {
      const index = at % word.length;
      expect(closestWord(word.slice(0, index) + word.slice(index + 1), KNOWN)).toBe(word);
    }),
  );
});
