import type { OrderLine } from './orders-file.js';
import type { RefusedLines } from './refused-lines.js';

/** Requests under way at once. */
const SELLERS = 16;

/** Places orders over HTTP, several at once. A bad line is noted and harms no other; anything else that fails ends the feed. */
export class Feed {
  /** Order numbers that the shop has acknowledged, whether it knew them before or not. */
  readonly good: string[] = [];
  known = 0;

  constructor(
    private readonly shopUrl: string,
    private readonly refused: RefusedLines,
  ) {}

  async place(lines: OrderLine[], signal: AbortSignal): Promise<void> {
    const rest = lines.values();
    const sell = async () => {
      for (const line of rest) {
        // Asked between two requests, not handed to each: one signal of thousands of requests collects their listeners.
        signal.throwIfAborted();
        await this.sell(line);
      }
    };
    await Promise.all(Array.from({ length: SELLERS }, sell));
  }

  private async sell({ line, problem, request }: OrderLine): Promise<void> {
    if (problem) return this.refused.add(line, problem);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${this.shopUrl}/orders`, {
      method: 'POST',
      headers,
      body: JSON.stringify(request),
    });
    const answer = (await response.json()) as { id?: string; message?: string | string[] };
    if (response.ok) this.accept(String(answer.id), response.status === 200);
    else if (response.status < 500) this.refused.add(line, [answer.message].flat().join('; '));
    else throw new Error(`Line ${line}: the shop answered ${response.status}.`);
  }

  private accept(id: string, known: boolean): void {
    this.good.push(id);
    if (known) this.known += 1;
  }
}
