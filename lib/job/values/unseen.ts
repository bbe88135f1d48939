/**
 * Control characters (among them those that begin escape sequences and lines), separators that some programs take for line ends, format
 * characters, and whatever else Unicode gives no shape: marks that turn the direction of text, fillers, selectors, tags. Whoever writes a name
 * or an error must not write lines or colours of a log or a terminal, nor two names that look like one. Joiners stay between signs that may
 * need them, and the selectors of an emoji behind one.
 */
export const UNSEEN = new RegExp(
  String.raw`[\p{Cc}\u2028\u2029]|(?!${neededJoiner()}|(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f])[\p{Cf}\p{DI}]`,
  'gu',
);

function neededJoiner(): string {
  const sign = String.raw`[^\0-\x7f\p{Cf}\p{DI}]`;
  return String.raw`(?<=${sign}\ufe0f?)[\u200c\u200d](?=${sign})`;
}

/** One line in which everything can be seen: `\n` and `\u001b` are spelled out. */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNSEEN, spelled);
}

function spelled(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return character.replace(
    /[^]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
