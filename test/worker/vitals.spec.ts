import { describe, expect, it } from '@jest/globals';
import { Vitals } from '../../lib/worker/vitals.js';

/** What Node.js would have measured: the longest time between two looks, in nanoseconds. */
const measured = (max: number) => ({ max, enable: () => true, disable: () => true, reset: () => undefined }); // prettier-ignore

describe('how a process is', () => {
  it.each([
    [0, 0],
    [20.1e6, 0],
    [220.4e6, 200],
  ])('a loop with %d ns between two looks was %d ms late', async (max, loopMs) => {
    expect(await new Vitals(measured(max)).about()).toMatchObject({ loopMs });
  });
});
