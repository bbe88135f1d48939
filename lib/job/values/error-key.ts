import { createHash } from 'node:crypto';
import type { Failure } from '../failure.js';

const MOST_MESSAGE = 300;
/** Frames of others: Node.js itself, and what is installed. */
const FOREIGN = /node:|node_modules|<anonymous>|internal\//;

/**
 * The same for failures that are probably one fault: of one class, thrown at one place of one's own code, with one message but for numbers,
 * ids and what is in quotes. It says nothing of them.
 */
export function errorKeyOf({ name, message, code, stack = '' }: Failure): string {
  const parts = [name, code ?? '', plain(message.slice(0, MOST_MESSAGE)), placeOf(stack)];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

/** Ids first, since they have digits. */
const plain = (message: string): string =>
  message
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`/g, '?')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '#')
    .replaceAll(/\b(?=[a-z]*\d)[a-z\d]{8,}\b/gi, '#')
    .replaceAll(/\d+(?:[.,]\d+)*/g, '#');

/** Function and file, without folders and lines: the next release is thrown from elsewhere. */
function placeOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const own = frames.find((line) => !FOREIGN.test(line)) ?? frames[0] ?? '';
  return own
    .trim()
    .replace(/[^\s(]*[/\\]/g, '')
    .replaceAll(/:\d+/g, '')
    .replaceAll(/\d+/g, '#');
}
