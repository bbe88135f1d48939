import { expect } from '@jest/globals';
import { Command } from './command.js';
import type { Model } from './model.js';
import type { Real } from './real.js';

/** Whoever hands permits of keys on, one or many at once, until nobody has anything to do: no job waits beside a permit that is free. */
export class HandPermits extends Command {
  constructor(private readonly hands: number) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const asking = model.all.filter((job) => model.asksKey(job) && !model.isLocked(job));
    await handAll(real, this.hands);
    await real.seePermits(model);
    const most = await real.mostOfAKey();
    for (const job of asking) {
      if (!model.asksKey(job)) continue;
      const held = model.ofKey(job).filter(({ permit }) => permit);
      expect(held.length).toBeGreaterThanOrEqual(most.get(job.lane === 'fair')!);
      // The most urgent first.
      const now = asking.filter((other) => other.permit && model.ofKey(job).includes(other));
      for (const { priority } of now) expect(priority).toBeLessThanOrEqual(job.priority);
    }
  }
}

const ROUNDS = 20;

/** What is looked at again after a while is looked at now; but what somebody holds locked would be so for ever. */
export async function handAll(real: Real, hands = 1): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await real.query('update simple_queue.key_change set due_at = statement_timestamp()');
    const { keys } = real.storage;
    const looks = await Promise.all(Array.from({ length: hands }, () => keys.handPermits()));
    if (looks.every(({ looked }) => looked === 0)) return;
  }
}

/** An operator sets another limit of both queues. */
export class LimitKeys extends Command {
  constructor(private readonly concurrency: number) {
    super();
  }

  protected async work(_model: Model, real: Real): Promise<void> {
    await real.limitKeys(this.concurrency);
  }
}
