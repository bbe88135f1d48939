import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Lanes } from '../../lib/storage/lanes/lanes.js';
import type { Lane } from '../../lib/job/lane.js';
import { HandlerRegistry } from '../../lib/handlers/handler-registry.js';
import { WorkerLanes } from '../../lib/claim/worker-lanes.js';

function someLanes() {
  const known: Lane[] = [
    { id: 1, queueId: 10, queue: 'mail', name: '', labels: [] },
    { id: 2, queueId: 10, queue: 'mail', name: 'welcome', labels: [] },
    { id: 3, queueId: 20, queue: 'pdf', name: '', labels: [] },
  ];
  const storage = {
    register: async () => [],
    served: async () => [...known],
  } as unknown as Lanes;
  const registry = new HandlerRegistry();
  for (const queue of ['mail', 'pdf'])
    registry.add({
      queue,
      name: undefined,
      label: queue,
      options: {},
      bound: {},
      run: () => undefined,
    });
  return { known, lanes: new WorkerLanes(storage, registry, resolveOptions({}).options, 1) };
}

describe('lanes of paused queues', () => {
  it('want nothing and are left out of claims, and are served all the same', async () => {
    const { lanes } = someLanes();
    await lanes.register();

    expect(lanes.pause([10])).toEqual([]);

    expect(lanes.openIds()).toEqual([3]);
    expect(lanes.all().map((lane) => lane.wanted)).toEqual([0, 0, 10]);
    expect(lanes.ids()).toEqual([1, 2, 3]);
  });

  it('are answered when they are resumed, once', async () => {
    const { lanes } = someLanes();
    await lanes.register();
    lanes.pause([10, 20]);
    expect(lanes.pause([20]).map((lane) => lane.id)).toEqual([1, 2]);
    expect(lanes.pause([20])).toEqual([]);
    expect(lanes.openIds()).toEqual([1, 2]);
  });

  it('are paused from the start where they appear later', async () => {
    const { known, lanes } = someLanes();
    await lanes.register();
    lanes.pause([10]);
    known.push(
      { id: 4, queueId: 10, queue: 'mail', name: 'goodbye', labels: [] },
      { id: 5, queueId: 20, queue: 'pdf', name: 'print', labels: [] },
    );
    await lanes.refresh(5);
    expect(lanes.openIds()).toEqual([3, 5]);
  });
});
