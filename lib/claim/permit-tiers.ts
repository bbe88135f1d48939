import { rangeOf } from '../job/values/concurrency.js';
import { Permits } from '../runtime/permits.js';
import type { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Handler, HandlerRegistry } from '../handlers/handler-registry.js';

/** The permits that bound what runs here: process, queue, handler, open transactions. */
export class PermitTiers {
  readonly process: Permits;
  readonly queues = new Map<string, Permits>();
  private readonly transactions: Permits;
  private readonly bounds = new Map<object, Permits>();

  constructor(
    private readonly handlers: HandlerRegistry,
    private readonly options: ResolvedOptions,
    /** Handlers with a transaction of their own may take half of the DataSource's connections, no more. */
    maxTransactions: number,
    private readonly policies: QueuePolicies,
  ) {
    this.process = new Permits(options.concurrency);
    this.transactions = new Permits(maxTransactions);
  }

  /** All that a job of this queue takes, in this handler. */
  of(queue: string, handler: Handler): Permits[] {
    return [this.process, this.ofQueue(queue), ...this.ofHandler(handler)];
  }

  /** Where only the handler says how many, its word is the queue's bound too: 10 must not cap a handler that asks for 50. */
  private ofQueue(queue: string): Permits {
    let permits = this.queues.get(queue);
    if (!permits) {
      const own = this.policies.of(queue).concurrency;
      const { min, max } = rangeOf(
        own ?? Math.max(this.options.queueConcurrency, this.askedFor(queue)),
      );
      this.queues.set(queue, (permits = new Permits(max, min)));
    }
    return permits;
  }

  /** How many jobs of a queue its handlers ask for together. */
  private askedFor(queue: string): number {
    const bounds = new Map(
      this.handlers
        .of(queue)
        .map(({ bound, options }) => [bound, rangeOf(options.concurrency ?? 0).max]),
    );
    return [...bounds.values()].reduce((sum, concurrency) => sum + concurrency, 0);
  }

  private ofHandler({ bound, options }: Handler): Permits[] {
    let own = this.bounds.get(bound);
    if (options.concurrency !== undefined && !own) {
      const { min, max } = rangeOf(options.concurrency);
      this.bounds.set(bound, (own = new Permits(max, min)));
    }
    return [...(own ? [own] : []), ...(options.transactional ? [this.transactions] : [])];
  }
}
