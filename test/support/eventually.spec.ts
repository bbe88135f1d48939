import { expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';

it('answers what the condition answers once it holds', async () => {
  let asked = 0;
  const answer = await eventually(() => {
    asked += 1;
    expect(asked).toBe(3);
    return 'there';
  });
  expect(answer).toBe('there');
});

it('takes false for "not yet"', async () => {
  let asked = 0;
  expect(await eventually(() => ++asked === 4)).toBe(true);
});

it('fails with the last error when the time is over', async () => {
  let asked = 0;
  const never = eventually(() => Promise.reject(new Error(`no ${++asked}`)), { timeoutMs: 40 });
  const error = await never.catch((thrown: Error) => thrown);
  expect(error.message).toBe(`no ${asked}`);
});

it('names the condition that stayed false', async () => {
  const isThere = () => false;
  await expect(eventually(isThere, { timeoutMs: 10 })).rejects.toThrow(
    `Still false after 10 ms: ${isThere.toString()}`,
  );
});
