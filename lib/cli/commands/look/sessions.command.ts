import type { SessionGroup } from '../../../storage/diagnosis/session.repository.js';
import type { SnapshotHolder } from '../../../storage/diagnosis/diagnosis.js';
import { QueueError } from '../../../job/queue.errors.js';
import { shown } from '../../../runtime/words.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { counted, parseWhole } from '../../show/numbers.js';
import type { Cell } from '../../show/table.js';
import { parseSpan, span } from '../../show/times.js';
import { examples } from '../../examples.js';

interface SessionsFlags {
  end?: number;
  endIdle?: number;
  yes?: boolean;
}

/** `sessions`: who is connected to the database, who holds vacuum back, and how that ends. */
export const addSessions: AddCommand = (program, act) => {
  program
    .command('sessions')
    .description('who is connected to the database, and who holds vacuum back; can end sessions')
    .option('--end <process>', 'end the session of this process id', parseWhole)
    .option(
      '--end-idle <duration>',
      'end sessions that have done nothing for so long (10min, 2h), and roll their transactions back',
      parseSpan,
    )
    .option('--yes', 'do it')
    .addHelpText('after', EXAMPLES)
    .action(act((cli, flags: SessionsFlags) => sessions(cli, flags)));
};

const EXAMPLES = `
Of other roles' sessions an ordinary role sees little, and ends none: use the role that opened them, or a superuser.
${examples(`sessions --end 4711 --yes
sessions --end-idle 10min --yes`)}`;

async function sessions(cli: Cli, { end, endIdle, yes = false }: SessionsFlags): Promise<number> {
  if (end !== undefined && endIdle !== undefined)
    throw new QueueError('INVALID_OPTION', 'sessions: give --end or --end-idle, not both.');
  if (end !== undefined) return endThem(cli, { pid: end }, yes);
  return endIdle === undefined ? show(cli) : endThem(cli, { idleMs: endIdle }, yes);
}

async function endThem(
  cli: Cli,
  which: { pid: number } | { idleMs: number },
  yes: boolean,
): Promise<number> {
  const { admin, storage } = await cli.session();
  const work = async () => ({ ended: await storage.sessions.end(which, yes) });
  const { ended } = await (yes ? admin.act('end-sessions', which, work) : work());
  await cli.screen.answer({ dryRun: !yes, ended }, () => {
    cli.screen.say(
      `${counted(ended, 'session')} ${yes ? (ended === 1 ? 'is ended' : 'are ended') : 'would be ended'}.`,
    );
    if (!yes)
      cli.screen.note({ text: 'Nothing was done. To do it, repeat it with --yes.', tone: 'warn' });
  });
  return 'pid' in which && ended === 0 ? EXIT.trouble : EXIT.ok;
}

async function show({ screen, session }: Cli): Promise<number> {
  const { storage } = await session();
  const groups = await storage.sessions.list();
  const holders = await storage.sessions.holders();
  await screen.answer({ sessions: groups, holders }, async () => {
    await screen.table(
      [
        { head: 'sessions', right: true },
        { head: 'role' },
        { head: 'application', shrinks: true },
        { head: 'state' },
        { head: 'for', right: true },
      ],
      groups.map(rowOf),
    );
    if (holders.length === 0) return;
    screen.say('');
    await screen.table(
      [
        { head: 'holds vacuum back' },
        { head: 'role' },
        { head: 'application', shrinks: true },
        { head: 'state' },
        { head: 'transaction', right: true },
      ],
      holders.map(holderRow),
    );
  });
  return EXIT.ok;
}

const lasting = (ms: number | null): string => (ms === null ? '' : span(Math.max(0, ms)));
const cell = (text: string | null): Cell => shown(text ?? '');

const rowOf = ({ sessions: count, role, application, state, restingMs }: SessionGroup): Cell[] => [
  String(count),
  cell(role),
  cell(application),
  cell(state ?? 'not shown to this role'),
  lasting(restingMs),
];

const holderRow = ({ pid, role, application, state, openMs }: SnapshotHolder): Cell[] => [
  `process ${pid}`,
  cell(role),
  cell(application),
  cell(state),
  lasting(openMs),
];
