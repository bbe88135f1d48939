import type { Cli } from './command.js';
import { EXIT } from './exit-code.js';
import { Progress } from './show/progress.js';

/** What a command that works in batches is given. */
export interface BatchRun<Counts> {
  signal: AbortSignal;
  onBatch: (soFar: Counts) => void;
}

/** How far it came. Not `complete`: it was interrupted, or `error` ended it. */
interface BatchEnd<Counts> {
  counts: Counts;
  complete: boolean;
  code: number;
  error?: unknown;
}

interface BatchWork<Counts> {
  /** What is counted, for the progress. */
  what: string;
  /** How many there will be, if that is known. */
  total?: number;
  none: Counts;
  sizeOf: (counts: Counts) => number;
  work: (run: BatchRun<Counts>) => Promise<Counts>;
}

/** Runs long work with progress. Ctrl-C ends it between two batches; an error keeps what was done before it. */
export async function inBatches<Counts>(
  { screen, around }: Cli,
  { what, total, none, sizeOf, work }: BatchWork<Counts>,
): Promise<BatchEnd<Counts>> {
  const signal = around.interruption();
  const progress = await Progress.start(screen, what, total);
  let counts = none;
  const onBatch = (soFar: Counts): void => progress.at(sizeOf((counts = soFar)));
  try {
    counts = await work({ signal, onBatch });
    return { counts, complete: !signal.aborted, code: codeOf(signal) };
  } catch (error) {
    return { counts, complete: false, code: EXIT.trouble, error };
  } finally {
    progress.stop();
  }
}

/** A signal says with which code a shell expects the process to end. */
function codeOf({ aborted, reason }: AbortSignal): number {
  if (!aborted) return EXIT.ok;
  return typeof reason === 'number' ? reason : EXIT.interrupted;
}

/** Shows the result of a command that counts first, and acts with `--yes`; returns the exit code. */
export async function finish<Counts extends object>(
  { screen }: Cli,
  { counts, complete, code, error }: BatchEnd<Counts>,
  { yes, told }: { yes: boolean; told: string[] },
): Promise<number> {
  if (error && Object.values(counts).every((count) => count === 0)) throw error as Error;
  await screen.answer({ dryRun: !yes, complete, ...counts }, () => {
    for (const line of told) screen.say(line);
    if (!complete)
      screen.note({
        text: `${error ? 'An error ended it' : 'Interrupted'}: that is how far it came.`,
        tone: 'warn',
      });
    else if (!yes)
      screen.note({ text: 'Nothing was done. To do it, repeat it with --yes.', tone: 'warn' });
  });
  if (error) throw error as Error;
  return code;
}
