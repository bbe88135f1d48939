import { expect, it } from '@jest/globals';
import { cli } from '../support/cli.js';
import { allCommands, type KnownCommand } from '../support/cli-commands.js';
import { read, tableUnder } from './documents.js';

const GUIDE = 'docs/reference/cli.md';

/** What does nothing by itself, and what a command does where no subcommand is named. */
const UNSAID = ['spool', 'migrate', 'schedules list', 'workflows list'];
const COMMANDS = allCommands().filter(({ path }) => !UNSAID.includes(path));

const usageOf = ({ path, command }: KnownCommand): string => {
  const places = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [path, ...places].join(' ');
};
const rows = tableUnder(GUIDE, 'Commands').map(
  ([usage, does]) => [usage!.split(', '), does!] as const,
);
const flagsIn = (text: string): string[] => text.match(/--[a-z-]+/g) ?? [];

it('names every command with its arguments, and no other', () => {
  expect(rows.flatMap(([usage]) => usage).sort()).toEqual(COMMANDS.map(usageOf).sort());
});

it('names no option that a command does not have', () => {
  for (const [usage, does] of rows) {
    // A folder has the options of what it does by itself.
    const own = allCommands().filter((each) => usage.includes(usageOf(each).replace(/ list$/, '')));
    const options = own.flatMap(({ command }) => command.options.map(({ long }) => long));
    expect({ usage, unknown: flagsIn(does).filter((flag) => !options.includes(flag)) }).toEqual({
      usage,
      unknown: [],
    });
  }
});

it('names every option that all commands share', async () => {
  const { out } = await cli(['--help']);
  const [, shared = ''] = out.split('\nOptions:\n');
  const known = flagsIn(shared.split('\n\n')[0]!).filter((flag) => !/version|help/.test(flag));
  const told = tableUnder(GUIDE, 'Connecting').map(([flag]) => flag);
  expect(told).toEqual([...new Set(known)]);
});

it('says what every command writes with --json', () => {
  const told = jsonRows().flatMap((cell) => {
    const [first, ...more] = cell.split(/[,;] /);
    const folder = first!.replace(/ ?\S+$/, '');
    const isKnown = (name: string) => COMMANDS.some(({ path }) => path === name);
    return [first!, ...more.map((name) => (isKnown(name) ? name : `${folder} ${name}`))];
  });
  expect(told.sort()).toEqual(COMMANDS.map(({ path }) => path).sort());
});

/** The second table of its section. */
function jsonRows(): string[] {
  const [, section = ''] = read(GUIDE).split('| command | output with `--json` |\n|---|---|\n');
  const rows = section.split('\n\n')[0]!.split('\n');
  return rows.map((row) => row.split('|')[1]!.trim().replaceAll('`', ''));
}
