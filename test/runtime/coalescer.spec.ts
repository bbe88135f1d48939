import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { Coalescer } from '../../lib/runtime/coalescer.js';

interface Flight {
  items: number[];
  land: () => void;
  crash: (error: Error) => void;
}

class Shared extends Error {}

function aCoalescer(limits: { maxItems?: number; maxFlights?: number } = {}) {
  const flights: Flight[] = [];
  const coalescer = new Coalescer<number, string>(
    (items) =>
      new Promise((resolve, reject) => {
        flights.push({
          items,
          land: () => resolve(items.map((item) => `<${item}>`)),
          crash: reject,
        });
      }),
    {
      maxItems: limits.maxItems ?? 100,
      maxFlights: limits.maxFlights ?? 1,
      isShared: (error) => error instanceof Shared,
    },
  );
  return { coalescer, flights };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('a coalescer', () => {
  it('sends callers of one tick together, in their order, and answers each', async () => {
    const { coalescer, flights } = aCoalescer();
    const answers = Promise.all([1, 2, 3].map((item) => coalescer.add(item)));
    await tick();
    expect(flights.map((flight) => flight.items)).toEqual([[1, 2, 3]]);
    flights[0]!.land();
    expect(await answers).toEqual(['<1>', '<2>', '<3>']);
  });

  it('lets what comes during a flight leave with the next one', async () => {
    const { coalescer, flights } = aCoalescer();
    const first = coalescer.add(1);
    await tick();
    const others = [coalescer.add(2), coalescer.add(3)];
    await tick();
    expect(flights).toHaveLength(1);
    flights[0]!.land();
    await first;
    await tick();
    expect(flights[1]!.items).toEqual([2, 3]);
    flights[1]!.land();
    expect(await Promise.all(others)).toEqual(['<2>', '<3>']);
  });

  it('has so many flights under way and so many items in one, and no more', async () => {
    const { coalescer, flights } = aCoalescer({ maxItems: 2, maxFlights: 2 });
    const answers = [1, 2, 3, 4, 5].map((item) => coalescer.add(item));
    await tick();
    expect(flights.map((flight) => flight.items)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    flights[0]!.land();
    await tick();
    flights.slice(1).forEach((flight) => flight.land());
    await Promise.all(answers);
    expect(flights.map((flight) => flight.items)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('lets what is heavy together leave in several flights, and what is too heavy alone', async () => {
    const flights: number[][] = [];
    const send = async (items: number[]) => (flights.push(items), items);
    const limits = {
      maxItems: 100,
      maxFlights: 1,
      maxWeight: 10,
      weightOf: (item: number) => item,
      isShared: () => false,
    };
    const coalescer = new Coalescer<number, number>(send, limits);
    await Promise.all([4, 6, 1, 99, 5, 5].map((item) => coalescer.add(item)));
    expect(flights).toEqual([[4, 6], [1], [99], [5, 5]]);
  });

  it('tries the items of a failed flight one by one, so that a bad one fails alone', async () => {
    const sent: number[][] = [];
    const coalescer = new Coalescer<number, number>(
      async (items) => {
        sent.push(items);
        if (items.includes(2)) throw new Error('bad 2');
        return items;
      },
      { maxItems: 100, maxFlights: 1, isShared: () => false },
    );
    const answers = await Promise.allSettled([1, 2, 3].map((item) => coalescer.add(item)));
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(sent).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  it('fails all of a flight at once for a reason that all share, and goes on afterwards', async () => {
    const { coalescer, flights } = aCoalescer();
    const answers = Promise.allSettled([coalescer.add(1), coalescer.add(2)]);
    await tick();
    flights[0]!.crash(new Shared('away'));
    expect((await answers).map((answer) => answer.status)).toEqual(['rejected', 'rejected']);
    expect(flights).toHaveLength(1);

    const next = coalescer.add(3);
    await tick();
    flights[1]!.land();
    expect(await next).toBe('<3>');
  });

  it('never flies in the context of whoever happened to come first', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const coalescer = new Coalescer<number, number>(
      async (items) => {
        seen.push(context.getStore());
        return items;
      },
      { maxItems: 1, maxFlights: 1, isShared: () => false },
    );
    await Promise.all(['a', 'b', 'c'].map((name) => context.run(name, () => coalescer.add(1))));
    expect(seen).toEqual([undefined, undefined, undefined]);
    expect(
      await context.run('mine', async () => (await coalescer.add(1), context.getStore())),
    ).toBe('mine');
  });
});
