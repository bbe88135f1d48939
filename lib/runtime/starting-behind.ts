/** The same list in a circle, from behind its entry `last`; from the front where it has none. */
export function startingBehind<T>(list: readonly T[], last: T | undefined): T[] {
  const first = last === undefined ? 0 : list.indexOf(last) + 1;
  return [...list.slice(first), ...list.slice(0, first)];
}
