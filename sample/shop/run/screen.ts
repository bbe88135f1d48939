import type { Counts } from '../status/queue-counts.js';
import { PlainScreen } from './plain-screen.js';
import { TerminalScreen } from './terminal-screen.js';

/** How far the run is. */
export interface Progress {
  lines: number;
  fed: number;
  bad: number;
  /** In the tables, together with those of earlier runs. */
  orders: number;
  receipts: number;
  queues: Map<string, Counts>;
}

export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** The live part, shown anew each time. */
  show(progress: Progress): void;
  /** Ends the live part; what is said from now on follows below it. */
  rest(): void;
}

/** A terminal gets bars that move; a file or a CI log gets plain lines without control characters. */
export function createScreen(output: NodeJS.WriteStream): Screen {
  return output.isTTY ? new TerminalScreen(output) : new PlainScreen(output);
}
