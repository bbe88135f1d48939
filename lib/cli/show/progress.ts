import type { SingleBar } from 'cli-progress';
import type { Screen } from './screen.js';

/** Shows on a terminal how far long work has come; elsewhere it shows nothing. */
export class Progress {
  private constructor(private readonly bar?: SingleBar) {}

  /** `what` says what is counted; without `total` it only counts. */
  static async start(screen: Screen, what: string, total?: number): Promise<Progress> {
    if (!screen.isLively) return new Progress();
    const { default: progress } = await import('cli-progress');
    const counted = total === undefined ? '{value}' : '{bar} {value} of {total}';
    const bar = new progress.SingleBar({
      stream: screen.err as NodeJS.WriteStream,
      format: `${what}  ${counted}  {duration_formatted}`,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      // Interrupted work says how far it came, and stops the bar itself.
      gracefulExit: false,
    });
    bar.start(total ?? 0, 0);
    return new Progress(bar);
  }

  at(value: number): void {
    this.bar?.update(value);
  }

  /** The line is free for what comes next. */
  stop(): void {
    this.bar?.stop();
  }
}
