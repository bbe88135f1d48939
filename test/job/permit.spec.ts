import { expect, it } from '@jest/globals';
import { Permit } from '../../lib/job/permit.js';

it('is given back once, however often it is released', () => {
  let given = 0;
  const permit = new Permit(() => (given += 1));
  permit.release();
  permit.release();
  expect(given).toBe(1);
});

it('hands on what giving it back answers, so that a worker can await it', async () => {
  const permit = new Permit(() => Promise.resolve('back'));
  expect(await permit.release()).toBe('back');
});

it('may be free: releasing that changes nothing, for nobody', () => {
  expect([Permit.free.release(), Permit.free.release()]).toEqual([undefined, undefined]);
});
