import type { Command } from 'commander';
import type { Screen } from './show/screen.js';
import type { Session } from './session.js';
import type { SharedFlags } from './shared-flags.js';
import type { Terminal } from './show/terminal.js';

/** What a command works with. */
export interface Cli {
  readonly screen: Screen;
  readonly flags: SharedFlags;
  readonly around: Terminal;
  /** The connection, opened when it is first asked for; refuses tables of another version unless `anyVersion`. */
  readonly session: (options?: { anyVersion?: boolean }) => Promise<Session>;
}

/** What a command does; returns its exit code where that is not 0. */
type Work<Args extends unknown[]> = (cli: Cli, ...args: Args) => Promise<number | void>;

/** Makes commander's action of it: opens what it needs, closes it, and turns errors into messages and exit codes. */
export type Act = <Args extends unknown[]>(work: Work<Args>) => (...args: Args) => Promise<void>;

/** A file of `commands/` exports one: it describes its command to the program. */
export type AddCommand = (program: Command, act: Act) => void;
