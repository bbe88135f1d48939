/** What a process has of a limit, and what it would have. */
interface Claimant {
  lease: string;
  n: number;
  wanted: number;
  /** Since it was last given something. */
  turnMs: number;
  /** It takes all that it wants, or nothing. */
  isWhole?: boolean;
}

/**
 * What each should have. A call that wants more than its share is let in as soon as nobody waits for longer who has nothing: all that it wants is
 * kept for it, and the others share what is left.
 */
export function fairShares(limit: number, claimants: readonly Claimant[]): Map<string, number> {
  const wanting = claimants.filter(({ wanted }) => wanted > 0);
  const shares = dividedShares(limit, wanting);
  const [front] = wanting.filter(({ n }) => n === 0).toSorted((a, b) => b.turnMs - a.turnMs);
  if (!front?.isWhole || front.wanted > limit) return shares;
  if (front.wanted <= (shares.get(front.lease) ?? 0)) return shares;
  const others = wanting.filter((claimant) => claimant !== front);
  return dividedShares(limit - front.wanted, others).set(front.lease, front.wanted);
}

/**
 * All that they want where that fits, otherwise equal shares, of which those who want less leave the rest to others. Where there are more processes than permits,
 * those that have none come first, the one whose turn is longest ago in front.
 */
function dividedShares(limit: number, wanting: readonly Claimant[]): Map<string, number> {
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
