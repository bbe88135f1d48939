interface Circles {
  /** It is waited for no longer. */
  free(item: number): void;
  /** One of them: each item waits for the next, the last for the first. */
  next(): number[] | undefined;
}

/** Of items that wait for others, by their numbers: which of them never begin, however long the others are waited for. */
export function circlesOf(awaited: readonly (readonly number[])[]): Circles {
  const counts = awaited.map(({ length }) => length);
  const followers = awaited.map((): number[] => []);
  awaited.forEach((items, index) => items.forEach((item) => followers[item]!.push(index)));
  const open = new Set(counts.keys());
  const free = (item: number): void => {
    if (!open.delete(item)) return;
    const freed = [item];
    for (const each of freed)
      for (const next of followers[each]!)
        if (--counts[next]! === 0 && open.delete(next)) freed.push(next);
  };
  const next = (): number[] | undefined => {
    const path = new Set<number>();
    let [item] = open;
    if (item === undefined) return undefined;
    // Each waits for another of them: whoever follows comes round.
    for (; !path.has(item); item = awaited[item]!.find((each) => open.has(each))!) path.add(item);
    return [...path].slice([...path].indexOf(item));
  };
  counts.forEach((count, item) => count || free(item));
  return { free, next };
}
