const UNITS: readonly [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** The largest unit that fits, and the next: `2 h 5 min`. */
export function span(ms: number): string {
  const index = UNITS.findIndex(([, unit]) => ms >= unit);
  if (index < 0) return `${Math.max(0, Math.round(ms))} ms`;
  const [name, unit] = UNITS[index]!;
  const [lesser, part] = UNITS[index + 1] ?? ['', Infinity];
  const rest = Math.floor((ms % unit) / part);
  return `${Math.floor(ms / unit)} ${name}${rest > 0 ? ` ${rest} ${lesser}` : ''}`;
}
