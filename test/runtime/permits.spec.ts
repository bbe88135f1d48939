import { expect, it } from '@jest/globals';
import { Permits } from '../../lib/runtime/permits.js';

it('permits bound what is taken and not given back', () => {
  const permits = new Permits(2);
  permits.take();
  permits.take();
  expect([permits.free, permits.used]).toEqual([0, 2]);
  permits.giveBack();
  expect([permits.free, permits.used]).toEqual([1, 1]);
});
