/** Claims nothing while `min` jobs or more run, then as many as make it `max`: fewer and larger claims. */
export interface ConcurrencyRange {
  min: number;
  max: number;
}

/** How many jobs may run at once; as a range, also when to claim more. */
export type Concurrency = number | ConcurrencyRange;

export function rangeOf(concurrency: Concurrency): ConcurrencyRange {
  return typeof concurrency === 'number' ? { min: concurrency, max: concurrency } : concurrency;
}
