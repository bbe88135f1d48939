/** What a process has of a limit, and what it would have. */
interface Claimant {
  lease: string;
  n: number;
  wanted: number;
  /** Since it was last given something. */
  turnMs: number;
}

/**
 * What each should have: all that it wants where that fits, otherwise equal shares, of which those who want less leave the rest to others.
 * Where there are more processes than permits, those that have none come first, the one whose turn is longest ago in front.
 */
export function fairShares(limit: number, claimants: readonly Claimant[]): Map<string, number> {
  const wanting = claimants.filter(({ wanted }) => wanted > 0);
  if (limit < wanting.length) {
    const inTurn = wanting.toSorted(
      (a, b) => Number(a.n > 0) - Number(b.n > 0) || b.turnMs - a.turnMs,
    );
    return new Map(inTurn.map(({ lease }, place) => [lease, place < limit ? 1 : 0]));
  }
  let left = limit;
  const modestFirst = wanting.toSorted(
    (a, b) => a.wanted - b.wanted || (a.lease < b.lease ? -1 : 1),
  );
  return new Map(
    modestFirst.map(({ lease, wanted }, place) => {
      const share = Math.min(wanted, Math.floor(left / (modestFirst.length - place)));
      left -= share;
      return [lease, share];
    }),
  );
}
