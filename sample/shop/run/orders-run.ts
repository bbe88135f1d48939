import type { INestApplication } from '@nestjs/common';
import { setTimeout as rest } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Order } from '../orders/order.js';
import { Receipt } from '../receipts/receipt.js';
import { QueueCounts, type Counts } from '../status/queue-counts.js';
import { Complaint } from './complaint.js';
import type { Feed } from './feed.js';
import type { OrderLine } from './orders-file.js';
import type { RefusedLines } from './refused-lines.js';
import type { Progress, Screen } from './screen.js';
import { countsLine, live } from './wording.js';

const LOOK_EVERY_MS = 200;
const STUCK_AFTER_MS = 60_000;
/** Reminders wait for two days, and nobody waits for them. */
const AWAITED = ['receipts', 'webhooks', 'summaries'];

export interface RunTimes {
  placedMs: number;
  doneMs: number;
}

/** Places the orders of a file, and shows how they become receipts until nothing is left to do. */
export class OrdersRun {
  private readonly dataSource: DataSource;
  private readonly counts: QueueCounts;
  private placedMs?: number;

  constructor(
    app: INestApplication,
    private readonly feed: Feed,
    private readonly refused: RefusedLines,
    private readonly screen: Screen,
  ) {
    this.dataSource = app.get(DataSource);
    this.counts = app.get(QueueCounts);
  }

  /** @param onLook called with each look at the queues, e.g. to kill a worker at the worst moment. */
  async run(
    lines: OrderLine[],
    signal: AbortSignal,
    onLook: (progress: Progress) => Promise<void>,
  ): Promise<RunTimes> {
    const startedAt = performance.now();
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const placing = this.feed
      .place(lines, either)
      .then(() => (this.placedMs = performance.now() - startedAt));
    try {
      const [placedMs] = await Promise.all([placing, this.follow(lines.length, either, onLook)]);
      return { placedMs, doneMs: performance.now() - startedAt };
    } finally {
      failed.abort();
      this.screen.rest();
    }
  }

  private async follow(
    lines: number,
    signal: AbortSignal,
    onLook: (progress: Progress) => Promise<void>,
  ): Promise<void> {
    let seen = '';
    let movedAt = Date.now();
    for (;;) {
      const progress = await this.look(lines);
      this.screen.show(progress);
      if (
        this.placedMs !== undefined &&
        AWAITED.every((queue) => live(progress.queues.get(queue)) === 0)
      )
        return;
      await onLook(progress);
      const now = describe(progress.queues);
      if (now !== seen) movedAt = Date.now();
      if (Date.now() - movedAt > STUCK_AFTER_MS)
        throw new Complaint(`Nothing has moved for a minute:\n${now}`);
      seen = now;
      await rest(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  private async look(lines: number): Promise<Progress> {
    const { manager } = this.dataSource;
    const [queues, orders, receipts] = await Promise.all([
      this.counts.read(),
      manager.count(Order),
      manager.count(Receipt),
    ]);
    const bad = this.refused.count;
    return { lines, fed: this.feed.good.length + bad, bad, orders, receipts, queues };
  }
}

function describe(queues: Map<string, Counts>): string {
  return [...queues].map(([queue, counts]) => `  ${queue}: ${countsLine(counts)}`).join('\n');
}
