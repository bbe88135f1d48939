import { outside } from './outside.js';

interface Waiting<Item, Answer> {
  item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

interface CoalescerOptions<Item> {
  maxItems: number;
  /** Of what leaves together. */
  maxWeight?: number;
  weightOf?: (item: Item) => number;
  maxFlights: number;
  isShared: (error: unknown) => boolean;
}

/**
 * Group commit: what is added while a flush is under way leaves together with the next one. A single caller never waits.
 * When a flush fails for a reason of its own (not the database's), its items are flushed one by one, so that a bad one fails alone.
 */
export class Coalescer<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  private flights = 0;

  constructor(
    private readonly flush: (items: Item[]) => Promise<Answer[]>,
    private readonly options: CoalescerOptions<Item>,
  ) {}

  add(item: Item): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      // The flush must not inherit the context of whichever caller happens to start it.
      if (this.flights < this.options.maxFlights) outside(() => void this.fly());
    });
  }

  /** Callers of one tick leave together: the microtask lets the others of a Promise.all arrive first. */
  private async fly(): Promise<void> {
    this.flights++;
    await Promise.resolve();
    while (this.waiting.length > 0) await this.flushSafely(this.next());
    this.flights--;
  }

  /** One may be heavier than the bound, alone. */
  private next(): Waiting<Item, Answer>[] {
    const { maxItems, maxWeight = Infinity, weightOf = () => 0 } = this.options;
    const most = Math.min(maxItems, this.waiting.length);
    let weight = weightOf(this.waiting[0]!.item);
    let count = 1;
    while (count < most && (weight += weightOf(this.waiting[count]!.item)) <= maxWeight) count++;
    return this.waiting.splice(0, count);
  }

  private async flushSafely(batch: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.flush(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => entry.resolve(answers[index]!));
    } catch (error) {
      if (batch.length === 1 || this.options.isShared(error))
        batch.forEach((entry) => entry.reject(error));
      else for (const entry of batch) await this.flushSafely([entry]);
    }
  }
}
