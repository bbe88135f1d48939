import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { DirectClaimer } from '../../lib/claim/direct-claimer.js';
import type { WorkerLane } from '../../lib/claim/worker-lane.js';
import { Permits } from '../../lib/runtime/permits.js';
import { DirectClaims } from '../../lib/storage/enqueue/direct-claims.js';
import { aFleetLimit, aLane, aRun } from '../support/runs.js';

// How long a job lasts is asked of the clock, which must not depend on the machine.
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Its jobs are known to last 4 ms: a claim of it brings a few ahead. */
function quick(lane: WorkerLane): WorkerLane {
  lane.add(aRun({}, { lane }));
  lane.start();
  lane.ended(performance.now() + 4);
  expect(lane.ahead).toBeGreaterThan(0);
  return lane;
}

function aClaimer(lanes: WorkerLane[], free = 10): DirectClaims {
  const intake = {
    nextKey: () => ({ claimId: 'claim', lease: 'lease' }),
    expect: () => undefined,
    forget: () => undefined,
  };
  const all = { room: 10, free, get: (id: number) => lanes.find((lane) => lane.id === id) };
  const directClaims = new DirectClaims();
  new DirectClaimer({ directClaims, intake, lanes: all } as never).open();
  return directClaims;
}

const shared: [string, () => DirectClaims][] = [
  ['a limit across the fleet', () => {
    const lanes = [1, 2].map((id) => quick(aLane({ id })));
    const limit = aFleetLimit({ concurrency: 1 });
    limit.n = 1;
    for (const lane of lanes) lane.bind([limit]);
    return aClaimer(lanes);
  }],
  ['a queue', () => {
    const queue = new Permits(1);
    return aClaimer([1, 2].map((id) => quick(aLane({ id, permits: [new Permits(10), queue] }))));
  }],
  ['a process', () => aClaimer([1, 2].map((id) => quick(aLane({ id }))), 1)],
]; // prettier-ignore

it.each(shared)('%s with one permit lets one job at a time be stored as claimed', (_, aWorker) => {
  const claims = aWorker();

  const claim = claims.of(1)!;
  expect([claims.of(1), claims.of(2)]).toEqual([undefined, undefined]);
  claim.failed();
  expect(claims.of(2)).toBeDefined();
  expect(claims.of(1)).toBeUndefined();
});

it('as many jobs of a lane are stored as claimed at the same time as may start', () => {
  const claims = aClaimer([quick(aLane({ limit: 2 }))]);

  expect([1, 1, 1].map((id) => claims.of(id) !== undefined)).toEqual([true, true, false]);
});
