import { expect, it } from '@jest/globals';
import { Growth } from '../../lib/health/growth.js';

it('knows no growth before it has looked twice, and then that within the window', () => {
  const growth = new Growth(1_000);
  expect(growth.add(50, 0)).toBe(0);
  expect(growth.add(60, 400)).toBe(10);
  expect(growth.add(61, 1_000)).toBe(11);
  expect(growth.add(61, 1_400)).toBe(1);
  expect(growth.add(61, 5_000)).toBe(0);
});

it('spreads what happened between two looks that are far apart', () => {
  const growth = new Growth(1_000);
  growth.add(0, 0);
  expect(growth.add(100, 10_000)).toBe(10);
});

it('starts anew when the counter was set back', () => {
  const growth = new Growth(1_000);
  growth.add(500, 0);
  expect(growth.add(3, 100)).toBe(0);
  expect(growth.add(5, 200)).toBe(2);
});
