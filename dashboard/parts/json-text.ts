import { visible } from './words.js';

/** Deeper than this nothing moves to the right any more. */
const MOST_DEPTH = 30;

/**
 * JSON over lines, walked as text: numbers keep all of their digits, and no depth is too deep. What is no JSON any more, because it was cut,
 * comes as far as it goes.
 */
export function prettyJson(text: string, most = Infinity): string {
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"?|\{\s*\}|\[\s*\]|[[\]{},:]|[^\s"[\]{},:]+/gs);
  let out = '';
  let depth = 0;
  const line = (): string => `\n${'  '.repeat(Math.min(depth, MOST_DEPTH))}`;
  for (const [token] of tokens) {
    if (token === '}' || token === ']') {
      depth--;
      out += line() + token;
    } else out += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth++;
    if (token === '{' || token === '[' || token === ',') out += line();
    if (out.length > most) return visible(out.slice(0, most));
  }
  return visible(out);
}
