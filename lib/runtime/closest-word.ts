/** The known word that `word` was probably meant to be, or undefined when none is near. */
export function closestWord(word: string, known: readonly string[]): string | undefined {
  const nearest = known
    .map((candidate) => ({
      candidate,
      distance: editDistance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance)[0];
  return nearest && nearest.distance <= Math.max(2, nearest.candidate.length / 3)
    ? nearest.candidate
    : undefined;
}

/** Levenshtein's, one row at a time. Longer words are cut: nobody mistypes 64 characters. */
function editDistance(from: string, to: string): number {
  const letters = [...from.slice(0, 64)];
  return (
    letters
      .reduce(
        nextRow(to),
        Array.from({ length: to.length + 1 }, (_, index) => index),
      )
      .at(-1) ?? 0
  );
}

function nextRow(to: string): (row: number[], letter: string) => number[] {
  return (row, letter) => {
    const next = [(row[0] ?? 0) + 1];
    for (let index = 0; index < to.length; index++) {
      const replaced = (row[index] ?? 0) + (to[index] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    return next;
  };
}
