import { countsLine, number } from './wording.js';
import type { Progress, Screen } from './screen.js';

const EVERY_MS = 2_000;

export class PlainScreen implements Screen {
  private shownAt = 0;
  private shown = '';

  constructor(private readonly output: NodeJS.WritableStream) {}

  say(line: string): void {
    this.output.write(`${line}\n`);
  }

  show(progress: Progress): void {
    const line = describe(progress);
    if (Date.now() - this.shownAt < EVERY_MS || line === this.shown) return;
    this.shownAt = Date.now();
    this.shown = line;
    this.say(line);
  }

  rest(): void {}
}

function describe({ lines, fed, orders, receipts, queues }: Progress): string {
  const counts = [...queues].map(([queue, states]) => `${queue}: ${countsLine(states)}`);
  return [
    `orders ${number(fed)}/${number(lines)}`,
    `receipts ${number(receipts)}/${number(orders)}`,
    ...counts,
  ].join(' | ');
}
