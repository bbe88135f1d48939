import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { countsLine } from './wording.js';
import type { Progress, Screen } from './screen.js';

const BAR = '  {name} {bar} {value}/{total}  {note}';

/** Two bars, and below them a line of counts for each queue. */
export class TerminalScreen implements Screen {
  private bars?: MultiBar;
  private readonly rows = new Map<string, SingleBar>();

  constructor(private readonly output: NodeJS.WriteStream) {}

  say(line: string): void {
    if (this.bars) this.bars.log(`${line}\n`);
    else this.output.write(`${line}\n`);
  }

  show({ lines, fed, good, bad, receipts, queues }: Progress): void {
    this.row('orders', BAR, lines).update(fed, { name: 'orders  ', note: `${bad} bad` });
    const receiptsRow = this.row('receipts', BAR, good);
    receiptsRow.setTotal(good);
    receiptsRow.update(receipts, { name: 'receipts', note: '' });
    for (const [queue, counts] of queues) {
      this.row(`queue ${queue}`, '  {line}', 1).update(0, { line: `${queue.padEnd(10)} ${countsLine(counts)}` });
    }
  }

  rest(): void {
    this.bars?.stop();
    this.bars = undefined;
    this.rows.clear();
  }

  private row(key: string, format: string, total: number): SingleBar {
    this.bars ??= new MultiBar(
      { stream: this.output, hideCursor: true, gracefulExit: false, barsize: 32 },
      Presets.shades_classic,
    );
    const row = this.rows.get(key) ?? this.bars.create(total, 0, { name: '', note: '', line: '' }, { format });
    this.rows.set(key, row);
    return row;
  }
}
