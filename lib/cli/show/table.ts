import Table from 'cli-table3';
import { visible } from '../../job/values/unseen.js';

/** What a text means, and on a terminal its colour. */
export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong';

/** A text with or without a tone. Whatever it holds, a terminal only shows it. */
export type Cell = string | { text: string; tone?: Tone };

/** Cells under their heads, or one text across all of them. */
export type Row = Cell[] | { across: Cell };

/** A column that `shrinks` is cut to the width of the terminal. */
export interface Column {
  head: string;
  right?: boolean;
  shrinks?: boolean;
}

export interface TableParts {
  columns: Column[];
  rows: Row[];
  painted: (cell: Cell) => string;
  /** Of the terminal; undefined: nothing is cut. */
  width?: number;
}

/** No lines are drawn: rows can be copied, and cut by other programs. */
const BARE = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
    [side, `${side}-left`, `${side}-right`, `${side}-mid`].map((part) => [part, '']),
  ),
);
const GAP = 2;
/** A column that shrinks keeps at least this much. */
const LEAST = 8;

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

export function tableText({ columns, rows, painted, width }: TableParts): string {
  const table = new Table({
    head: columns.map(({ head }) => painted({ text: head, tone: 'dim' })),
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    colWidths: width === undefined ? [] : widthsOf(columns, rows, width),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
    chars: { ...BARE, 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: '' },
  });
  for (const row of rows) if (Array.isArray(row)) table.push(row.map(painted));
  const [heads = '', ...lines] = table.toString().split('\n');
  const all = rows.map((row) =>
    Array.isArray(row) ? lines.shift()! : painted(cut(row.across, width)),
  );
  return [heads, ...all].map((line) => line.trimEnd()).join('\n');
}

/** What goes across has a line of its own, and no more than that. */
function cut(cell: Cell, width = Infinity): Cell {
  const text = visible(textOf(cell));
  const fitting = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return { ...(typeof cell === 'string' ? {} : cell), text: fitting };
}

/** Widths that fit, with null for what keeps its own. */
function widthsOf(columns: Column[], all: Row[], width: number): (number | null)[] {
  const rows = all.filter((row) => Array.isArray(row));
  const natural = columns.map(
    ({ head }, index) =>
      GAP + rows.reduce((most, row) => Math.max(most, textOf(row[index]!).length), head.length),
  );
  const excess = natural.reduce((sum, own) => sum + own, -GAP) - width;
  const shrinking = columns.findIndex((column) => column.shrinks);
  if (excess <= 0 || shrinking < 0) return columns.map(() => null);
  return columns.map((_, index) =>
    index === shrinking ? Math.max(LEAST, natural[index]! - excess) : null,
  );
}
