import { describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Lanes } from '../../lib/storage/lanes/lanes.js';
import type { Lane } from '../../lib/job/lane.js';
import { HandlerRegistry } from '../../lib/handlers/handler-registry.js';
import { WorkerLanes } from '../../lib/claim/worker-lanes.js';

/** Lets looks through, until it is closed, or fails. */
function aGateOfLooks() {
  let passed: Promise<unknown> = Promise.resolve();
  let open: () => void = () => undefined;
  let reach: () => void = () => undefined;
  return {
    reached: new Promise<void>((resolve) => (reach = resolve)),
    close: () => void (passed = new Promise<void>((resolve) => (open = resolve))),
    fail: (error: Error) => {
      passed = Promise.reject(error);
      passed.catch(() => undefined);
    },
    open: () => (open(), void (passed = Promise.resolve())),
    pass: () => (reach(), passed),
  };
}

function someLanes() {
  const known: Lane[] = [
    { id: 1, queueId: 10, queue: 'mail', name: '', labels: [] },
    { id: 2, queueId: 10, queue: 'mail', name: 'welcome', labels: [] },
    { id: 3, queueId: 20, queue: 'pdf', name: '', labels: [] },
  ];
  const gate = aGateOfLooks();
  const storage = {
    registerFree: async () => undefined,
    served: async () => {
      await gate.pass();
      return [...known];
    },
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
  return { known, gate, lanes: new WorkerLanes(storage, registry, resolveOptions({}).options, 1) };
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

describe('a look for lanes', () => {
  it('is behind until what it brings is served: whoever asks meanwhile would think that nothing waits', async () => {
    const { known, lanes, gate } = someLanes();
    await lanes.register();
    expect(lanes.isBehind).toBe(false);
    known.push({ id: 4, queueId: 10, queue: 'mail', name: 'goodbye', labels: [] });
    expect(lanes.isNew(4)).toBe(true);

    gate.close();
    const [first, second] = [lanes.refresh(5), lanes.refresh(5)];
    await gate.reached;
    expect(lanes.isBehind).toBe(true);
    gate.open();

    expect(await Promise.all([first, second])).toEqual([true, false]);
    expect(lanes.isBehind).toBe(false);
    expect(lanes.openIds()).toEqual([1, 2, 3, 4]);
  });

  it('that fails leaves it behind', async () => {
    const { lanes, gate } = someLanes();
    await lanes.register();
    lanes.isNew(4);
    gate.fail(new Error('away'));
    await expect(lanes.refresh(5)).rejects.toThrow('away');
    expect(lanes.isBehind).toBe(true);
    gate.open();
    expect(await lanes.refresh(5)).toBe(true);
    expect(lanes.isBehind).toBe(false);
  });
});
