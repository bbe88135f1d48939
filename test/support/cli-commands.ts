import { Command } from 'commander';
import { COMMANDS } from '../../lib/cli/commands.js';

/** A command or a subcommand, as it describes itself. */
export interface KnownCommand {
  /** What is typed for it: `limits set`. */
  path: string;
  words: string[];
  command: Command;
}

/** Every command of the program: a new one is among them. */
export function allCommands(): KnownCommand[] {
  const program = new Command();
  const act = () => async () => undefined;
  for (const add of Object.values(COMMANDS).flat()) add(program, act);
  const below = (command: Command, above: string[]): KnownCommand[] =>
    command.commands.flatMap((one) => {
      const words = [...above, one.name()];
      return [{ path: words.join(' '), words, command: one }, ...below(one, words)];
    });
  return below(program, []);
}
