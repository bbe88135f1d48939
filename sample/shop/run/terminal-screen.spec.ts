import { expect, it } from '@jest/globals';
import { Writable } from 'node:stream';
import { eventually } from '../../../test/support/eventually.js';
import { TerminalScreen } from './terminal-screen.js';

const COLUMNS = 60;
const CONTROL = /^\x1b\[(\??)(\d*)([A-Za-z])/;

/** As much of a terminal as the bars use; its lines are cut at its edge. */
class Terminal extends Writable {
  readonly isTTY = true;
  readonly columns = COLUMNS;
  readonly rows: string[] = [''];
  private x = 0;
  private y = 0;

  override _write(chunk: Buffer, _: string, done: () => void): void {
    for (let text = chunk.toString(); text;) text = text.slice(this.take(text));
    done();
  }

  /** How many characters were taken. */
  private take(text: string): number {
    const [control = '', mode, count, letter] = CONTROL.exec(text) ?? [];
    if (!control) return this.put(text[0]!);
    if (!mode) this.obey(letter!, count!);
    return control.length;
  }

  private put(character: string): 1 {
    const row = this.rows[this.y]!.padEnd(this.x);
    if (character === '\n') [this.x, this.rows[++this.y]] = [0, this.rows[this.y] ?? ''];
    else {
      this.rows[this.y] = row.slice(0, this.x) + character + row.slice(this.x + 1);
      this.x = Math.min(this.x + 1, COLUMNS - 1);
    }
    return 1;
  }

  private obey(letter: string, count: string): void {
    const row = this.rows[this.y]!;
    if (letter === 'A') this.y = Math.max(0, this.y - Number(count));
    else if (letter === 'G') this.x = Number(count) - 1;
    else if (letter === 'K') this.rows[this.y] = count === '2' ? '' : row.slice(0, this.x);
  }
}

it('leaves nothing of the bars beside a line that is said above them, however long', async () => {
  const terminal = new Terminal();
  const screen = new TerminalScreen(terminal as unknown as NodeJS.WriteStream);
  const queues = new Map([['receipts', { ready: 12, running: 5, succeeded: 340 }]]);
  screen.show({ lines: 400, fed: 400, bad: 7, orders: 417, receipts: 201, queues });
  await eventually(() => expect(terminal.rows.join()).toContain('201/417'));
  const words = 'the webhook of order A-17 answered 500 and is asked again in a minute, '.repeat(3);
  screen.say(words);
  screen.say('done');
  screen.rest();

  const end = terminal.rows.indexOf('done');
  const said = terminal.rows.slice(0, end).map((row) => row.replace(/^ {4}/, ''));
  expect(said.join('')).toBe(words);
  expect(terminal.rows.slice(end + 1).join('\n')).toMatch(/orders .*\n.*201\/417[^]*340 succeeded/);
});
