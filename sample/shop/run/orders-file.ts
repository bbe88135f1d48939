import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';
import { Complaint } from './complaint.js';

const COLUMNS = [
  'id',
  'day',
  'customer',
  'email',
  'item',
  'quantity',
  'amount',
  'currency',
  'webhook',
];

/** A line of the file: the request that it stands for, or why it stands for none. */
export interface OrderLine {
  /** As an editor counts: the header is line 1. */
  line: number;
  request?: Record<string, unknown>;
  problem?: string;
}

/** Reads line by line, so that a quote that is never closed spoils one order and not all that follow. */
export function readOrdersFile(path: string): OrderLine[] {
  const [header = '', ...lines] = readText(path).split(/\r?\n/);
  if (header !== COLUMNS.join(','))
    throw new Complaint(`${path}: the first line must be ${COLUMNS.join(',')}`);
  return lines.flatMap((text, index) =>
    text.trim() === '' ? [] : [{ line: index + 2, ...readLine(text) }],
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new Complaint(`The orders cannot be read: ${(error as Error).message}`);
  }
}

function readLine(text: string): Omit<OrderLine, 'line'> {
  try {
    const [cells = []] = parse(text, { relax_column_count: true });
    if (cells.length !== COLUMNS.length)
      return { problem: `${cells.length} columns instead of ${COLUMNS.length}` };
    const request = Object.fromEntries(COLUMNS.map((column, index) => [column, cells[index]]));
    return { request: { ...request, quantity: readQuantity(request.quantity) } };
  } catch (error) {
    if (error instanceof CsvError) return { problem: `broken quoting (${error.code})` };
    throw error;
  }
}

/** A number where it is one; the shop itself says what is wrong with anything else. */
function readQuantity(text: string | undefined): number | string | undefined {
  return text?.trim() && Number.isFinite(Number(text)) ? Number(text) : text;
}
