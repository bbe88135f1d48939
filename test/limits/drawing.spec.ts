import { expect, it } from '@jest/globals';
import { countPromises } from '../../lib/claim/shared-permits.js';
import { Drawing } from '../../lib/limits/drawing.js';
import { Permits } from '../../lib/runtime/permits.js';
import { aFleetLimit, aLane, aRun } from '../support/runs.js';

it('starts are drawn for lanes that share a full queue as soon as all that was claimed has run, not at the next poll', async () => {
  const queue = new Permits(2);
  const lanes = [1, 2].map((id) => aLane({ id, permits: [new Permits(100), queue] }));
  const permits = aFleetLimit({ rate: 1_000_000, perMs: 1_000, burst: 1_000_000 });
  const asked: string[] = [];
  for (const lane of lanes) {
    lane.answered(0, { short: false, nextLookAt: 0 });
    lane.bind([permits]);
  }
  const drawing = new Drawing(permits, {
    limits: {
      draw: (_, { starts }) => {
        asked.push('draw');
        const full = { firstMs: -1_000, stepMs: 0.001, heldMs: 0, fullAt: 'full' };
        return Promise.resolve({ drawn: starts, waiting: starts, ...full });
      },
      giveBackStarts: () => Promise.resolve(void asked.push('give back')),
    },
    onRoom: () => undefined,
    pollIntervalMs: 1_000,
  });
  await drawing.round('lease');
  for (const lane of lanes) for (let n = 0; n < 2; n++) lane.add(aRun({}, { lane }));
  countPromises(lanes);
  for (const lane of lanes)
    for (let n = 0; n < 2; n++) {
      lane.start();
      lane.ended(performance.now());
    }
  permits.slots!.clear();

  await drawing.round('lease');
  drawing.close();

  expect(asked).toEqual(['draw', 'draw']);
});
