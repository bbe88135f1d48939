import { expect, it } from '@jest/globals';
import { RunTally } from '../../lib/observability/run-tally.js';

it('how long a job waited is looked at behind the first line of its handler', async () => {
  const tally = new RunTally();
  const said: string[] = [];
  tally.started(7, () => {
    said.push('wait');
    return 3;
  });
  said.push('handler');
  await Promise.resolve();
  expect(said).toEqual(['handler', 'wait']);
  expect(tally.take().lanes).toMatchObject([{ lane: 7, started: 1, wait: [0, 0, 1] }]);
});
