import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Loop, type Round } from '../../lib/runtime/loop.js';

describe('a loop', () => {
  let rounds = 0;
  let loop: Loop;
  let errors: number[];

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    rounds = 0;
    errors = [];
  });

  afterEach(async () => {
    await loop.stop();
    jest.useRealTimers();
  });

  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const pass = async (ms: number) => {
    await settled();
    jest.advanceTimersByTime(ms);
    await settled();
  };
  const turning = (round: Round, random = () => 1) => {
    loop = new Loop('test', async () => (rounds++, round()), {
      onError: (_, restMs) => void errors.push(restMs),
      maxRestMs: 400,
      random,
    });
    return loop;
  };

  it('says how long ago a round went well, however often it has failed since', async () => {
    turning(async () => {
      if (rounds > 1) throw new Error('away');
      return 100;
    }).start();
    await pass(100);
    await pass(1_000);
    expect(errors.length).toBeGreaterThan(0);
    expect(loop.silentMs).toBe(1_100);
    expect(loop.turningMs).toBe(0);
  });

  it('says how long a round has been under way', async () => {
    let end = (_: number): void => undefined;
    turning(() => new Promise((resolve) => (end = resolve))).start();
    await pass(700);
    expect(loop.turningMs).toBe(700);
    end(Infinity);
    await settled();
    expect([loop.turningMs, loop.silentMs]).toEqual([0, 0]);
  });

  it('turns at once when started, and again after each rest', async () => {
    turning(async () => 1_000).start();
    await pass(999);
    expect(rounds).toBe(1);
    await pass(1);
    expect(rounds).toBe(2);
  });

  it('turns again at once after a rest of nothing, and never twice at the same time', async () => {
    let under = 0;
    let most = 0;
    turning(async () => {
      most = Math.max(most, ++under);
      loop.wake();
      await settled();
      under--;
      return rounds < 4 ? 0 : Infinity;
    }).start();
    loop.start();
    for (let n = 0; n < 10; n++) {
      loop.wake();
      await settled();
    }
    expect(rounds).toBeGreaterThanOrEqual(4);
    expect(most).toBe(1);
  });

  it('rests for ever until it is woken', async () => {
    turning(async () => Infinity).start();
    await pass(10 ** 9);
    expect(rounds).toBe(1);
    expect(loop.wake()).toBe(true);
    await pass(0);
    expect(rounds).toBe(2);
  });

  it('rests as long as asked, beyond what a timer can hold', async () => {
    turning(async () => 2 ** 32).start();
    await pass(60_000);
    expect(rounds).toBe(1);
  });

  it('does not sleep over a wake-up that comes during a round', async () => {
    const answers: boolean[] = [];
    turning(async () => {
      if (rounds === 1) answers.push(loop.wake(), (await settled(), loop.wake()));
      return Infinity;
    }).start();
    for (let n = 0; n < 3; n++) await pass(0);
    expect(rounds).toBe(2);
    expect(answers).toEqual([false, false]);
    expect(errors).toEqual([]);
  });

  it('ends its rest in the given time at the latest', async () => {
    turning(async () => 10_000).start();
    await settled();
    loop.wakeIn(500);
    loop.wakeIn(2_000);
    await pass(499);
    expect(rounds).toBe(1);
    await pass(1);
    expect(rounds).toBe(2);
  });

  it('remembers a time that is given during a round', async () => {
    turning(async () => {
      loop.wakeIn(300);
      loop.wakeIn(900);
      return 10_000;
    }).start();
    await pass(300);
    expect(rounds).toBe(2);
  });

  it('is not stopped by an error: it goes on, resting longer each time up to a bound, and recovers', async () => {
    turning(async () => {
      if (rounds <= 5) throw new Error('away');
      return 1_000;
    }).start();
    for (let n = 0; n < 5; n++) await pass(400);
    expect(errors).toEqual([50, 100, 200, 400, 400]);
    expect(rounds).toBe(6);
    await pass(1_000);
    expect(rounds).toBe(7);
  });

  it('keeps resting after an error, however often it is woken', async () => {
    turning(async () => {
      throw new Error('away');
    }).start();
    await settled();
    for (let n = 0; n < 5; n++) expect(loop.wake()).toBe(false);
    loop.wakeIn(1);
    await pass(49);
    expect(rounds).toBe(1);
    await pass(1);
    expect(rounds).toBe(2);
  });

  it('spreads its rests after errors over half of their bound', async () => {
    turning(
      async () => {
        throw new Error('away');
      },
      () => 0,
    ).start();
    await pass(25);
    expect(errors).toEqual([25, 50]);
  });

  it('lets the round under way end when it is stopped, and turns no other', async () => {
    let end: (ms: number) => void = () => undefined;
    turning(() => new Promise((resolve) => (end = resolve))).start();
    let stopped = false;
    const stopping = loop.stop().then(() => (stopped = true));
    await settled();
    expect(stopped).toBe(false);
    end(0);
    await stopping;
    loop.wake();
    loop.wakeIn(1);
    await pass(10_000);
    expect(rounds).toBe(1);
  });

  it('can be started again after a stop', async () => {
    turning(async () => Infinity).start();
    await loop.stop();
    loop.start();
    await settled();
    expect(rounds).toBe(2);
  });

  it('never inherits the context of whoever starts or wakes it', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    turning(async () => (seen.push(context.getStore()), 1_000));
    context.run('start', () => loop.start());
    await settled();
    context.run('wake', () => loop.wake());
    await settled();
    context.run('wakeIn', () => loop.wakeIn(10));
    await pass(10);
    expect(seen).toEqual([undefined, undefined, undefined]);
  });

  it('can be woken before it starts without any effect', async () => {
    turning(async () => Infinity);
    expect(loop.wake()).toBe(false);
    loop.wakeIn(5);
    await pass(100);
    expect(rounds).toBe(0);
  });
});
