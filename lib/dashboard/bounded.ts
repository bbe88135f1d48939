/** So long does one request work on jobs of a filter; the page asks again until nothing is left. */
const WORK_MS = 1_500;
/** Beyond this a dry run says "or more". */
const MOST_COUNTED = 10_000;

export interface Batches<Counts> {
  dryRun: boolean;
  signal: AbortSignal;
  onBatch: (soFar: Counts) => void;
}

/** `more`: it stopped for its time or count, and there may be more of them. */
interface Bounded<Counts> {
  counts: Counts;
  more: boolean;
  dryRun: boolean;
}

/** Runs a command in batches until its time is over: a request ends, and a person sees how far it has come. */
export async function bounded<Counts extends object>(
  dryRun: boolean,
  work: (batches: Batches<Counts>) => Promise<Counts>,
): Promise<Bounded<Counts>> {
  const enough = new AbortController();
  const until = performance.now() + WORK_MS;
  const onBatch = (soFar: Counts): void => {
    const counted = Object.values(soFar as Record<string, number>).reduce((a, b) => a + b, 0);
    if (performance.now() >= until || (dryRun && counted >= MOST_COUNTED)) enough.abort();
  };
  const counts = await work({ dryRun, signal: enough.signal, onBatch });
  return { counts, more: enough.signal.aborted, dryRun };
}
