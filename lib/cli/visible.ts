import { UNSEEN } from '../job/unseen.js';

/** One line in which everything can be seen: `\n` and `\u001b` are spelled out. */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNSEEN, spelled);
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
  return character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
