import { randomUUID } from 'node:crypto';
import { JsonText } from '../../job/values/json-text.js';
import { visible } from '../../job/values/unseen.js';

/** What can be seen of a text, in lines of its own. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** JSON escapes what is below U+0020 by itself; the rest means the same when it is escaped. */
export function visibleJson(value: unknown, indent?: number): string {
  return visibleLines(jsonOf(value, indent));
}

/** What is nested too deep for the stack of JSON.stringify is written in one line: its indents would be millions of spaces. */
function jsonOf(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, withMarks, indent)?.replaceAll(MARKED, '$1') ?? 'null';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return deepJson(value);
  }
}

const MARK = randomUUID();
const MARKED = new RegExp(`"${MARK}(.*?)"`, 'g');

/** JSON.stringify writes JavaScript's numbers alone: those of a text come as texts with a mark. */
function withMarks(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const own = this[name];
  if (!(own instanceof JsonText)) return value;
  return JSON.parse(own.text((number) => `"${MARK}${number}"`)) as unknown;
}

/** Without recursion. What is on the stack is a value to write, or the text that follows one. */
function deepJson(root: unknown): string {
  const parts: string[] = [];
  const stack: ({ value: unknown } | string)[] = [{ value: root }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (typeof next === 'string') parts.push(next);
    else if (next.value instanceof JsonText) parts.push(next.value.text());
    else if (typeof next.value !== 'object' || next.value === null || next.value instanceof Date)
      parts.push(JSON.stringify(next.value) ?? 'null');
    else for (const piece of piecesOf(next.value).reverse()) stack.push(piece);
  }
  return parts.join('');
}

function piecesOf(value: object): ({ value: unknown } | string)[] {
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const entries = Object.entries(value).filter(
    ([, item]) => Array.isArray(value) || item !== undefined,
  );
  const items = entries.flatMap(([key, item], index) => [
    `${index > 0 ? ',' : ''}${Array.isArray(value) ? '' : `${JSON.stringify(key)}:`}`,
    { value: item as unknown },
  ]);
  return [open!, ...items, close!];
}
