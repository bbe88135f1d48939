/**
 * Control characters (among them those that begin escape sequences), marks that turn the direction of text, and separators that some
 * terminals take for line ends. Errors and payloads are other people's text, and a terminal obeys what it is shown.
 */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** One line in which everything can be seen: `\n` and `\u001b` are spelled out. */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNSAFE, spelled);
}

/** The same, where the text's own lines are kept. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** JSON escapes what is below U+0020 by itself; the rest means the same when it is escaped. */
export function visibleJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, undefined, indent) ?? 'null';
  return visibleLines(json);
}

function spelled(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
