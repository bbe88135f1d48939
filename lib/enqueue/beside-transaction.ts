import type { QueueEventBus } from '../observability/events.js';
import type { OpenTransactions } from '../storage/connection/callers/open-transactions.js';

/** Says once of a queue that a job was stored beside an open transaction of its caller, who probably meant to be inside. For development. */
export class BesideTransaction {
  private readonly said = new Set<string>();

  constructor(
    private readonly transactions: OpenTransactions,
    private readonly events: QueueEventBus,
  ) {}

  check(queue: string): void {
    if (this.said.has(queue) || !this.transactions.isOpen) return;
    this.said.add(queue);
    this.events.emit('warning', () => ({ code: 'OUTSIDE_TRANSACTION', message: messageOf(queue) }));
  }
}

const messageOf = (queue: string): string =>
  `A job of queue "${queue}" is stored by itself while a transaction of the DataSource is open around the call: it will exist even if that rolls back. Pass the transaction on ({ manager }, or context.enqueue in a transactional handler), set the option "transaction" to what @nestjs-cls/transactional returns, or enqueue after the commit. This is reported once per queue.`;
