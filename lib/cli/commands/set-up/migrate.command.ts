import { Option, type Command } from 'commander';
import { quote } from '../../../job/names.js';
import type { QueueSummary } from '../../../admin/overview.js';
import { QueueError } from '../../../job/queue.errors.js';
import type { Act, AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { parseWhole } from '../../show/numbers.js';
import { packageVersion } from '../../../runtime/here.js';
import type { Tone } from '../../show/table.js';
import type { Session } from '../../session.js';
import { showQueues } from '../../show/queue-table.js';
import { PROGRAM } from '../../../runtime/words.js';
import { examples } from '../../examples.js';

/** What `migrate status` returns. */
interface SchemaStatus {
  database: string;
  schema: string;
  version: number;
  needed: number;
  /** `newer`: of a later release, which says that this one may work on it; `ahead`: which does not. */
  state: 'missing' | 'behind' | 'current' | 'newer' | 'ahead';
}

const TONES: Record<SchemaStatus['state'], Tone> = {
  missing: 'bad',
  behind: 'bad',
  current: 'good',
  newer: 'good',
  ahead: 'bad',
};

/** `migrate up | down | status | sql`: the queue's tables. */
export const addMigrate: AddCommand = (program, act) => {
  const migrate = program
    .command('migrate')
    .description("the queue's tables: make, compare, print as SQL, drop");
  migrate
    .command('up')
    .description('make the tables, or bring them to the version of this release')
    .addHelpText('after', examples('migrate up --schema billing_queue --json'))
    .action(act(up));
  migrate
    .command('status')
    .description('compare the tables with this release; exits with 1 if they do not fit')
    .addHelpText('after', examples(`migrate status || ${PROGRAM} migrate up`))
    .action(act(status));
  addSql(migrate, act);
  addDown(migrate, act);
};

function addDown(migrate: Command, act: Act): void {
  migrate
    .command('down')
    .description(
      'drop the tables and every job in them; shows what would go, and does it with --drop and the name of the schema',
    )
    .option('--drop <schema>', 'do it: the name of the schema, written out')
    .addOption(new Option('--yes').hideHelp())
    .addHelpText('after', examples('migrate down --drop simple_queue'))
    .action(act(down));
}

function addSql(migrate: Command, act: Act): void {
  migrate
    .command('sql')
    .description(
      'print what "up" would run, for whoever runs it by hand; with --from without a database',
    )
    .option('--from <version>', 'the version to start at; 0: no tables', parseWhole)
    .addHelpText(
      'after',
      examples('migrate sql > queue.sql\nmigrate sql --from 0 --schema billing_queue'),
    )
    .action(act((cli, { from }: { from?: number }) => sql(cli, from)));
}

async function statusOf({ migrator, database, options }: Session): Promise<SchemaStatus> {
  const { version, compatibleFrom } = await migrator.version();
  const needed = migrator.target;
  const older = version === 0 ? 'missing' : 'behind';
  const newer = compatibleFrom > needed ? 'ahead' : 'newer';
  const state = version < needed ? older : version === needed ? 'current' : newer;
  return { database: database.shown, schema: options.schema, version, needed, state };
}

async function status({ screen, session }: Cli): Promise<number> {
  const found = await statusOf(await session({ anyVersion: true }));
  await screen.answer(found, () =>
    screen.fields([
      ['database', found.database],
      ['schema', found.schema],
      ['version', String(found.version)],
      ['needed', String(found.needed)],
      ['state', { text: found.state, tone: TONES[found.state] }],
    ]),
  );
  return found.state === 'current' || found.state === 'newer' ? EXIT.ok : EXIT.trouble;
}

async function up({ screen, session }: Cli): Promise<void> {
  const opened = await session({ anyVersion: true });
  const before = await statusOf(opened);
  if (screen.isLively && before.version < before.needed)
    screen.note({ text: 'Migrating ...', tone: 'dim' });
  await opened.migrator.prepare();
  const { version, schema, database } = await statusOf(opened);
  const moved =
    version === before.version
      ? `is at version ${version}: nothing to do`
      : `version ${before.version} -> ${version}`;
  await screen.answer({ database, schema, from: before.version, to: version }, () =>
    screen.say(`Schema "${schema}" of ${database}: ${moved}.`),
  );
}

async function sql(cli: Cli, from?: number): Promise<void> {
  const { migrationScript } = await import('../../../../migrations/script.js');
  if (from !== undefined) await refuseUnknownVersion(from);
  const opened = from === undefined ? await cli.session({ anyVersion: true }) : undefined;
  const version = from ?? (await opened!.migrator.version()).version;
  const { schema } = cli.flags;
  const statements = migrationScript(schema, version);
  const text =
    statements.length > 0
      ? scriptText(statements, schema, version)
      : `-- Schema "${schema}" is at version ${version}: nothing to do.`;
  await cli.screen.answer({ schema, from: version, statements }, () => cli.screen.text(text));
}

async function refuseUnknownVersion(from: number): Promise<void> {
  const { SCHEMA_VERSION } = await import('../../../../migrations/schema.js');
  if (from < 0 || from > SCHEMA_VERSION)
    throw new QueueError(
      'INVALID_OPTION',
      `migrate sql: --from must be from 0 to ${SCHEMA_VERSION}, which this release creates.`,
    );
}

function scriptText(statements: string[], schema: string, from: number): string {
  const head = [
    `-- nestjs-simple-queue ${packageVersion()}: the tables of schema "${schema}", from version ${from}.`,
    '-- Run it as the role that shall own them. The first partitions begin today: print it again rather than keep it.',
    'begin;',
  ];
  return [...head, ...statements.map((statement) => `${statement};`), 'commit;'].join('\n\n');
}

interface DownFlags {
  drop?: string;
  /** What is enough for a redrive is not enough here. */
  yes?: boolean;
}

async function down(cli: Cli, { drop, yes }: DownFlags): Promise<number> {
  const { schema: named } = cli.flags;
  if (yes || (drop !== undefined && drop !== named))
    throw new QueueError(
      'INVALID_OPTION',
      `migrate down drops every job, so it asks for the name of the schema: --drop ${named}${drop === undefined ? '' : `, not ${quote(drop)}`}. Nothing was done.`,
    );
  const opened = await cli.session();
  const queues = await opened.admin.queues();
  const obstacle = await obstacleOf(opened);
  const dropped = drop !== undefined && obstacle === undefined;
  if (dropped) await opened.migrator.down();
  const { shown } = opened.database;
  const { schema } = opened.options;
  const answer = { database: shown, schema, dropped, ...(obstacle ? { obstacle } : {}), queues };
  await cli.screen.answer(answer, () => showDown(cli, answer));
  return obstacle ? EXIT.trouble : EXIT.ok;
}

interface Down {
  database: string;
  schema: string;
  dropped: boolean;
  /** Why it is not done, whatever was asked. */
  obstacle?: string;
  queues: QueueSummary[];
}

async function showDown(
  { screen }: Cli,
  { database, schema, dropped, obstacle, queues }: Down,
): Promise<void> {
  if (dropped) return screen.say(`Dropped all tables of schema "${schema}" of ${database}.`);
  await showQueues(screen, queues);
  screen.say('');
  screen.say(
    `All tables of schema "${schema}" of ${database} would be dropped, with every job, ended ones too.`,
  );
  screen.note({
    text: obstacle ?? `Nothing was done. To drop them, repeat it with --drop ${schema}.`,
    tone: obstacle ? 'bad' : 'warn',
  });
}

async function obstacleOf({ migrator, admin, options }: Session): Promise<string | undefined> {
  if (!(await migrator.isRecorded()))
    return `Nothing was done: the tables of schema "${options.schema}" are among the migrations of an application. Revert them there.`;
  const live = (await admin.workers()).filter((worker) => worker.live).map(({ worker }) => worker);
  if (live.length === 0) return undefined;
  return `Nothing was done: ${live.length} live ${live.length === 1 ? 'worker uses' : 'workers use'} them (${live.slice(0, 3).join(', ')}). Stop all first.`;
}
