import { expect } from '@jest/globals';
import type { WorkerLane } from '../../lib/claim/worker-lane.js';
import type { WorkerLanes } from '../../lib/claim/worker-lanes.js';
import type { TestApplication } from './application.js';
import { eventually } from './eventually.js';

/** As the worker of this application knows them. */
export function lanesOf({ worker }: TestApplication): readonly WorkerLane[] {
  const { worker: running } = worker as unknown as { worker?: { crew: { lanes: WorkerLanes } } };
  return running?.crew.lanes.all() ?? [];
}

/** So long that no look of a worker falls into a test. */
export const SELDOM = { pollIntervalMs: 600_000 } as const;

/** Waits until this worker, which looks `SELDOM`, has found all of its lanes empty: it claims the next job as that is stored. */
export async function untilIdle(application: TestApplication): Promise<void> {
  await eventually(() => {
    const now = performance.now();
    const busy = lanesOf(application).filter((lane) => lane.expected > 0 || lane.lookAt <= now);
    expect(busy.map(({ queue }) => queue)).toEqual([]);
  });
}
