/** What ends a call before its work has ended. */
export interface Bound {
  /** 0: what has to be asked is asked once, and takes the time that a statement has. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** What the caller learns then, and what becomes of that which comes too late. */
interface Ends<Answer> {
  late: (timeoutMs: number) => Error;
  /** Left out: the signal's reason itself. */
  aborted?: (reason: unknown) => Error;
  unwanted?: (answer: Answer) => unknown;
}

/**
 * The answer, or an error as soon as the time is over or the caller has lost interest, whatever the work waits for: a statement, too. The work
 * goes on until it looks at `over`; its failure then bothers nobody.
 */
export function bounded<Answer>(
  { timeoutMs, signal }: Bound,
  { late, aborted = (reason) => reason as Error, unwanted }: Ends<Answer>,
  work: (over: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const over = new AbortController();
  let [timer, onAbort]: [NodeJS.Timeout?, (() => void)?] = [];
  const answer = new Promise<Answer>((resolve, reject) => {
    const end = (error: Error): void => {
      over.abort(error);
      reject(error);
    };
    onAbort = () => end(aborted(signal!.reason));
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (timeoutMs > 0) timer = setTimeout(() => end(late(timeoutMs)), timeoutMs);
    const done = (got: Answer) => (over.signal.aborted ? unwanted?.(got) : resolve(got));
    work(over.signal).then(done, reject);
  });
  return answer.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort!);
  });
}
