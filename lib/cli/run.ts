import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { QueueErrorCode } from '../job/queue.errors.js';
import type { Act, Cli } from './command.js';
import type { SharedFlags } from './shared-flags.js';
import { COMMANDS } from './commands.js';
import { EXIT } from './exit-code.js';
import { explainError } from './explained-error.js';
import { closestWord } from '../runtime/closest-word.js';
import { calledWith } from './called-with.js';
import { packageVersion } from '../runtime/here.js';
import { visible } from '../job/values/unseen.js';
import { redaction } from '../observability/redaction.js';
import { Screen } from './show/screen.js';
import type { Session } from './session.js';
import type { Terminal } from './show/terminal.js';
import { PROGRAM } from '../runtime/words.js';
import { examples } from './examples.js';

const EPILOGUE = `
The database is that of --url, else of DATABASE_URL, else of PGHOST, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE ...
Exit codes: 0 done, 1 failed or found trouble, 2 wrong call, 130 interrupted.
${examples(`status
jobs --state failed --queue mail
explain <id>
<command> --help`)}`;

/** Runs one command line; returns its exit code. Whatever happens, it returns. */
export async function run(argv: readonly string[], around: Terminal): Promise<number> {
  let code: number = EXIT.ok;
  const program = programOf(around, wantsJson(argv));
  const act = actOf(program, around, (answer) => (code = answer));
  for (const [group, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(group);
    for (const add of commands) add(program, act);
  }
  try {
    await program.parseAsync(callOf(program, argv), { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    if (wantsJson(argv))
      new Screen(around, { json: true, color: false }).complain(wrongCall(error));
    return EXIT.usage;
  }
}

/** `help a b` is `a b --help`. A mistyped command would show the help of the one above it, or be an argument too many of a list. */
function callOf(program: Command, argv: readonly string[]): string[] {
  const path: string[] = [];
  let [at, asksForHelp] = [program, false];
  for (const word of program.parseOptions([...argv]).operands) {
    if (at.commands.length === 0) break;
    if (word === 'help') asksForHelp = true;
    else path.push((at = commandIn(at, word, program)).name());
  }
  return asksForHelp ? [...path, '--help'] : [...argv];
}

function commandIn({ commands }: Command, word: string, program: Command): Command {
  const names = commands.map((command) => command.name());
  const found = commands[names.indexOf(word)];
  if (found) return found;
  const closest = closestWord(word, [...names, 'help']);
  const hint = closest === undefined ? '' : `\n(Did you mean ${closest}?)`;
  return program.error(`error: unknown command '${word}'${hint}`, { code: 'commander.unknownCommand' }); // prettier-ignore
}

/** A slip may carry an address with its password: `--urll=postgres://...`. */
const told = redaction();

/** What was typed may hold anything. The driver of the call puts its suggestion on a line of its own. */
const oneError = (text: string): string =>
  `${visible(short(told(text.trimEnd()))).replace(/\\n(?=\(Did you mean [^\\]*\?\)$)/, '\n')}\n`;

/** Nor is it repeated as a whole: what is wrong comes before it, what to do behind it. */
const short = (text: string): string =>
  text.length > 600 ? `${text.slice(0, 200)} ... ${text.slice(-300)}` : text;

/** Asked before the call is understood: one that is wrong has its error in JSON, too. */
const wantsJson = (argv: readonly string[]): boolean => argv.includes('--json');

function wrongCall({ code, message }: CommanderError): { code: QueueErrorCode; message: string } {
  const what =
    code === 'commander.help' ? 'Which command? help lists them.' : message.replace(/^error: /, '');
  return { code: 'INVALID_OPTION', message: short(told(what)) };
}

function programOf({ out, err }: Terminal, json: boolean): Command {
  return new Command(PROGRAM)
    .description('Looks at and operates the queues of nestjs-simple-queue.')
    .option(
      '--url <url>',
      'address of the database; better in DATABASE_URL, since process lists show it',
    )
    .option('--schema <name>', "PostgreSQL schema of the queue's tables", 'simple_queue')
    .option('--timeout <seconds>', 'how long to wait for the database', seconds, 30)
    .option('--actor <name>', 'who you are, for the audit; default: your user here')
    .option('--json', 'answer in JSON')
    .option('--no-color', 'no colours, as with NO_COLOR')
    .version(packageVersion(), '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => void (json || err.write(text)),
      outputError: (text, write) => write(oneError(text)),
    })
    .exitOverride()
    .showHelpAfterError('(add --help for what it takes)')
    .addHelpText('after', EPILOGUE);
}

/** Fractions are allowed: a script may want to fail fast. */
function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 3_600) return value;
  throw new InvalidArgumentError('It takes 0.1 to 3600 seconds.');
}

function actOf(program: Command, around: Terminal, answer: (code: number) => void): Act {
  return (work) =>
    async (...args) => {
      const flags = program.opts<SharedFlags>();
      const screen = new Screen(around, flags);
      const sessions: Session[] = [];
      const cli: Cli = {
        screen,
        flags,
        around,
        session: (options) => openOnce(cli, sessions, options),
      };
      try {
        answer((await work(cli, ...args)) ?? EXIT.ok);
      } catch (error) {
        answer(
          explainError(screen, error, { ...flags, calledWith: calledWith(flags, around.env) }),
        );
      } finally {
        // What was asked has its result: a server that is gone by now is no news.
        for (const session of sessions) await session.close().catch(() => undefined);
      }
    };
}

/** The driver and the rest of the library are loaded for commands that need them, and not for `--help`. */
async function openOnce(
  cli: Cli,
  sessions: Session[],
  { anyVersion = false } = {},
): Promise<Session> {
  if (sessions[0]) return sessions[0];
  const { openSession, refuseOtherVersions } = await import('./session.js');
  const session = await openSession(cli);
  sessions.push(session);
  if (!anyVersion) await refuseOtherVersions(session);
  return session;
}
