import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { countsLine, number } from './wording.js';
import type { Progress, Screen } from './screen.js';

const BAR = '  {name} {bar} {value}/{total}  {note}';
/** Redrawn each time, because lines that are said above push the bars down; signals are the shop's to handle. */
const OPTIONS = {
  hideCursor: true,
  forceRedraw: true,
  gracefulExit: false,
  barsize: 32,
  formatValue: number,
};

/** To its end: the cursor is at the row's start. */
const CLEAR_ROW = '\x1b[K';

/** Two bars, and below them a line of counts for each queue. */
export class TerminalScreen implements Screen {
  private bars?: MultiBar;
  private readonly rows = new Map<string, SingleBar>();

  constructor(private readonly output: NodeJS.WriteStream) {}

  say(line: string): void {
    if (this.bars) this.bars.log(`${this.fold(line)}\n`);
    else this.output.write(`${line}\n`);
  }

  show({ lines, fed, bad, orders, receipts, queues }: Progress): void {
    this.row('orders', BAR, lines).update(fed, { name: 'orders  ', note: `${bad} bad` });
    const receiptsRow = this.row('receipts', BAR, orders);
    receiptsRow.setTotal(orders);
    receiptsRow.update(receipts, { name: 'receipts', note: '' });
    this.row('heading', '  {line}', 1).update(0, { line: 'queues' });
    for (const [queue, counts] of queues) {
      this.row(`queue ${queue}`, '  {line}', 1).update(0, {
        line: `  ${queue.padEnd(10)} ${countsLine(counts)}`,
      });
    }
  }

  rest(): void {
    // What was said last is still on its way to the terminal.
    this.bars?.update();
    this.bars?.stop();
    this.bars = undefined;
    this.rows.clear();
  }

  /** While bars move the terminal cuts lines at its edge, and each row may stand where a bar was. */
  private fold(line: string): string {
    const width = Math.max(this.output.columns - 4, 40);
    const rows = line.match(new RegExp(`.{1,${width}}`, 'g')) ?? [''];
    return CLEAR_ROW + rows.join(`\n${CLEAR_ROW}    `);
  }

  private row(key: string, format: string, total: number): SingleBar {
    this.bars ??= new MultiBar({ ...OPTIONS, stream: this.output }, Presets.shades_classic);
    const row =
      this.rows.get(key) ??
      this.bars.create(total, 0, { name: '', note: '', line: '' }, { format });
    this.rows.set(key, row);
    return row;
  }
}
