import { expect, it, jest } from '@jest/globals';
import { later } from '../../lib/runtime/later.js';

class Whole {
  readonly part = { twice: (n: number) => Promise.resolve(2 * n) };
  private readonly base = 40;

  async plus(n: number): Promise<number> {
    return Promise.resolve(this.base + n);
  }
}

it('loads with the first call, of whichever part, and once', async () => {
  const load = jest.fn(() => Promise.resolve(new Whole()));
  const whole = later(load);
  const { part } = whole;
  expect(load).not.toHaveBeenCalled();
  await expect(part.twice(4)).resolves.toBe(8);
  await expect(whole.plus(2)).resolves.toBe(42);
  expect(load).toHaveBeenCalledTimes(1);
});

it('calls at once what is loaded', async () => {
  const whole = new Whole();
  const standIn = later(() => Promise.resolve(whole));
  await standIn.plus(1);
  const plus = jest.spyOn(whole, 'plus');
  void standIn.plus(2);
  expect(plus).toHaveBeenCalledWith(2);
});

it('loads again after a load that failed', async () => {
  let tries = 0;
  const whole = later(() =>
    tries++ === 0 ? Promise.reject(new Error('gone')) : Promise.resolve(new Whole()),
  );
  await expect(whole.plus(1)).rejects.toThrow('gone');
  await expect(whole.plus(1)).resolves.toBe(41);
});

it('is nothing to wait for', async () => {
  const whole = later(() => Promise.resolve(new Whole()));
  await expect(Promise.resolve(whole)).resolves.toBe(whole);
});
