import { createColors } from 'picocolors';
import { visible } from '../../job/values/unseen.js';
import type { Sink, Terminal } from './terminal.js';
import type { Cell, Column, Row, Tone } from './table.js';
import { visibleJson, visibleLines } from './visible.js';

type Paint = (text: string) => string;

/** What a command shows: results on the one side, notes on the other; as text for people, or as JSON for programs. */
export class Screen {
  readonly json: boolean;
  private readonly paints: Record<Tone, Paint>;

  constructor(
    private readonly around: Pick<Terminal, 'out' | 'err' | 'env'>,
    { json = false, color }: { json?: boolean; color: boolean },
  ) {
    this.json = json;
    const { green, red, yellow, dim, bold } = createColors(!json && color && hasColors(around));
    this.paints = { good: green, bad: red, warn: yellow, dim, strong: bold };
  }

  /** Of the terminal; undefined: what is written goes elsewhere, and nothing is cut. */
  get width(): number | undefined {
    const { isTTY, columns } = this.around.out;
    return isTTY && columns ? columns : undefined;
  }

  /** May progress be shown? */
  get isLively(): boolean {
    return !this.json && Boolean(this.around.err.isTTY);
  }

  get err(): Sink {
    return this.around.err;
  }

  /** The one answer of a command: `value` for programs, or what `show` writes for people. */
  async answer(value: unknown, show: () => unknown): Promise<void> {
    if (this.json) this.around.out.write(`${visibleJson(value, 2)}\n`);
    else await show();
  }

  /** One of many results: a line, for programs of JSON. */
  item(value: unknown, ...cells: Cell[]): void {
    if (this.json) this.around.out.write(`${visibleJson(value)}\n`);
    else this.say(...cells);
  }

  /** One line. */
  say(...cells: Cell[]): void {
    this.around.out.write(`${cells.map((cell) => this.painted(cell)).join('')}\n`);
  }

  /** Several lines, as they are: SQL, a payload. */
  text(text: string): void {
    this.around.out.write(`${visibleLines(text)}\n`);
  }

  /** For people only, and apart from the answer. */
  note(...cells: Cell[]): void {
    if (!this.json) this.around.err.write(`${cells.map((cell) => this.painted(cell)).join('')}\n`);
  }

  /** Rows under heads, in aligned columns. */
  async table(columns: Column[], rows: Row[]): Promise<void> {
    const { tableText } = await import('./table.js');
    const painted = (cell: Cell): string => this.painted(cell);
    this.around.out.write(`${tableText({ columns, rows, painted, width: this.width })}\n`);
  }

  /** Names and values, one a line. */
  async fields(fields: [name: string, value: Cell | undefined][]): Promise<void> {
    const given = fields.filter((field): field is [string, Cell] => field[1] !== undefined);
    const width = Math.max(...given.map(([name]) => name.length));
    for (const [name, value] of given)
      this.say({ text: name.padEnd(width + 2), tone: 'dim' }, value);
  }

  /** Says on the error side what went wrong, for programs as JSON. */
  complain(error: { code: string; message: string }, hint?: string): void {
    const { code, message } = error;
    const { err } = this.around;
    if (this.json)
      err.write(`${visibleJson({ error: { code, message, ...(hint ? { hint } : {}) } })}\n`);
    else
      err.write(
        `${this.paints.bad('error:')} ${visibleLines(message)}${hint ? `\n${visible(hint)}` : ''}\n`,
      );
  }

  private painted(cell: Cell): string {
    const { text, tone } = typeof cell === 'string' ? { text: cell } : cell;
    const seen = visible(text);
    return tone ? this.paints[tone](seen) : seen;
  }
}

/** https://no-color.org and https://force-color.org: what is set to something counts. */
function hasColors({ out, env }: Pick<Terminal, 'out' | 'env'>): boolean {
  if (env.NO_COLOR) return false;
  return Boolean(env.FORCE_COLOR) || (Boolean(out.isTTY) && env.TERM !== 'dumb');
}
