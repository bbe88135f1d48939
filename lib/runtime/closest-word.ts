/** The known word that `word` was probably meant to be, or undefined when none is near. */
export function closestWord(word: string, known: readonly string[]): string | undefined {
  const nearest = known
    .map((candidate) => ({
      candidate,
      distance: editDistance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance)[0];
  const most = nearest ? Math.max(2, nearest.candidate.length / 3) : 0;
  // A letter of it must be left: any two letters are two away from any others.
  return nearest && nearest.distance <= Math.min(most, word.length - 1)
    ? nearest.candidate
    : undefined;
}

/** Letters added, left out, replaced, or swapped with their neighbour. Longer words are cut: nobody mistypes 64 characters. */
function editDistance(from: string, to: string): number {
  const letters = from.slice(0, 64);
  let [before, row]: [number[], number[]] = [
    [],
    Array.from({ length: to.length + 1 }, (_, index) => index),
  ];
  for (let index = 0; index < letters.length; index++)
    [before, row] = [row, nextRow(to, letters.slice(0, index + 1), [before, row])];
  return row.at(-1) ?? 0;
}

/** `read`: the letters up to this one; `before` and `row`: the distances without its last two, and without its last one. */
function nextRow(to: string, read: string, [before, row]: [number[], number[]]): number[] {
  const [letter, previous] = [read.at(-1), read.at(-2)];
  const next = [row[0]! + 1];
  for (let index = 0; index < to.length; index++) {
    const replaced = row[index]! + (to[index] === letter ? 0 : 1);
    const isSwap = to[index] === previous && to[index - 1] === letter;
    const swapped = isSwap ? before[index - 1]! + 1 : Infinity;
    next.push(Math.min(replaced, swapped, row[index + 1]! + 1, next[index]! + 1));
  }
  return next;
}
