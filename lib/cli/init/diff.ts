/** A line of a change: added, taken away, or left. */
export interface DiffLine {
  sign: '+' | '-' | ' ';
  text: string;
}

/** What changes between two texts: pieces of lines, with up to two lines about each change. */
export function diffOf(before: string, after: string): DiffLine[][] {
  const lines = diffed(linesOf(before), linesOf(after));
  const changed = lines.flatMap(({ sign }, at) => (sign === ' ' ? [] : [at]));
  const shown = lines.map((_, at) => changed.some((change) => Math.abs(change - at) <= AROUND));
  const starts = shown.flatMap((isShown, at) => (isShown && !shown[at - 1] ? [at] : []));
  return starts.map((start) => {
    const end = shown.indexOf(false, start);
    return lines.slice(start, end < 0 ? undefined : end);
  });
}

const AROUND = 2;

const linesOf = (text: string): string[] =>
  text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);

/** Lines are put in, and now and then one is replaced: that needs no search for the shortest difference. */
function diffed(before: string[], after: string[]): DiffLine[] {
  const lines: DiffLine[] = [];
  let next = 0;
  for (const text of before) {
    const at = after.indexOf(text, next);
    lines.push(
      ...after
        .slice(next, Math.max(at, next))
        .map((added): DiffLine => ({ sign: '+', text: added })),
    );
    lines.push({ sign: at < 0 ? '-' : ' ', text });
    next = at < 0 ? next : at + 1;
  }
  return [...lines, ...after.slice(next).map((added): DiffLine => ({ sign: '+', text: added }))];
}
