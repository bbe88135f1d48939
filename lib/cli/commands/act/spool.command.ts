import { stat } from 'node:fs/promises';
import { quote } from '../../../job/names.js';
import { QueueError } from '../../../job/queue.errors.js';
import { Aside } from '../../../spool/aside.js';
import { leftFiles, removeFiles, surveyed, type SurveyedFolder } from '../../../spool/survey.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { counted } from '../../show/numbers.js';
import { span } from '../../../runtime/words.js';
import { callOf } from '../../../enqueue/spooled-call.js';
import type { SpoolRecord } from '../../../spool/record.js';
import type { Screen } from '../../show/screen.js';
import { replayed } from '../../spool-replay.js';
import { examples } from '../../examples.js';

/** From here on a process counts as dead: three of the default heartbeats. */
const STALE_MS = 15_000;

interface SpoolFlags {
  aside?: boolean;
  remove?: boolean;
  yes?: boolean;
}

/** `spool ...`: what waits on a disk for the database. */
export const addSpool: AddCommand = (program, act) => {
  const spool = program
    .command('spool')
    .description('jobs that wait on a disk for the database (option spool)')
    .addHelpText('after', EXAMPLES);
  spool
    .command('status')
    .description('what is in a folder, and whose it is; asks no database')
    .argument('<folder>', 'the folder that the option names')
    .action(act(status));
  spool
    .command('replay')
    .description('store what dead processes have left; counts it, and does it with --yes')
    .argument('<folder>', 'the folder that the option names')
    .option('--aside', 'also what was refused before')
    .option('--yes', 'do it')
    .action(act(replay));
  spool
    .command('export')
    .description('print the jobs as lines of JSON; asks no database')
    .argument('<folder>', 'the folder that the option names')
    .option('--remove', 'then delete them, but those of live processes')
    .option('--yes', 'with --remove: do it')
    .action(act(exportJobs));
};

const EXAMPLES = examples(`spool status /var/lib/shop/spool
spool replay /var/lib/shop/spool --aside --yes
spool export /var/lib/shop/spool > jobs.jsonl`);

async function status({ screen }: Cli, folder: string): Promise<number> {
  await refuseMissing(folder);
  const folders = await surveyed(folder);
  const aside = await new Aside(folder).count();
  await screen.answer({ folders: folders.map(shape), aside }, async () => {
    if (folders.length > 0) await screen.table(COLUMNS, folders.map(rowOf));
    else screen.say('No process has spooled anything.');
    screen.say(`Aside: ${counted(aside.jobs, 'job')}, ${counted(aside.damaged, 'damaged file')}.`);
  });
  return aside.jobs + aside.damaged > 0 ? EXIT.trouble : EXIT.ok;
}

const COLUMNS = [
  { head: 'folder' },
  { head: 'jobs', right: true },
  { head: 'bytes', right: true },
  { head: 'its process' },
  { head: 'for', shrinks: true },
];

const shape = ({ header, ...folder }: SurveyedFolder) => ({
  ...folder,
  silentMs: Number.isFinite(folder.silentMs) ? Math.round(folder.silentMs) : null,
  format: header?.format,
  database: header?.database,
});

const rowOf = ({ name, jobs, bytes, silentMs, header }: SurveyedFolder): string[] => [
  name,
  String(jobs),
  String(bytes),
  lifeOf(silentMs),
  header ? `${header.database}, format ${header.format}` : 'unknown',
];

function lifeOf(silentMs: number): string {
  if (silentMs === Infinity) return 'has ended';
  return silentMs > STALE_MS ? `silent for ${span(silentMs)}` : 'lives';
}

async function replay(cli: Cli, folder: string, flags: SpoolFlags): Promise<number> {
  await refuseMissing(folder);
  const { aside = false, yes = false } = flags;
  if (yes) return replayed(cli, folder, { aside, staleMs: STALE_MS });
  let jobs = 0;
  for await (const { records, isAside } of leftFiles(folder, { staleMs: STALE_MS }))
    if (aside || !isAside) for (const record of records) jobs += record.jobs;
  await cli.screen.answer({ dryRun: true, jobs }, () => {
    cli.screen.say(`${counted(jobs, 'job')} would be stored.`);
    cli.screen.note({ text: 'Nothing was done. To do it, repeat it with --yes.', tone: 'warn' });
  });
  return EXIT.ok;
}

/** Without `--yes` it prints all the same: that changes nothing. */
async function exportJobs({ screen, around }: Cli, folder: string, flags: SpoolFlags) {
  await refuseMissing(folder);
  const { remove = false, yes = false } = flags;
  const files: ExportedFiles = { paths: [], kept: [] };
  const left = { staleMs: remove ? STALE_MS : undefined, take: remove && yes };
  for await (const { path, records, isWhole } of leftFiles(folder, left)) {
    const lines = records.map(linesOf);
    for (const line of lines.flat()) around.out.write(`${JSON.stringify(line)}\n`);
    files[isWhole && lines.every((each) => each.length > 0) ? 'paths' : 'kept'].push(path);
  }
  if (remove) await removeExported({ folder, paths: files.paths, yes }, screen);
  return noteKept(files, screen);
}

interface ExportedFiles {
  paths: string[];
  /** Of which not everything was printed. */
  kept: string[];
}

function noteKept({ kept }: ExportedFiles, screen: Screen): number {
  for (const path of kept) screen.note({ text: `${quote(path)} is damaged, or of another release: not all of it is printed. It is kept.`, tone: 'bad' }); // prettier-ignore
  return kept.length > 0 ? EXIT.trouble : EXIT.ok;
}

async function removeExported(
  { folder, paths, yes }: { folder: string; paths: string[]; yes: boolean },
  screen: Screen,
): Promise<void> {
  if (yes) await removeFiles(folder, paths);
  const what = counted(paths.length, 'file');
  const text = yes ? `${what} deleted.` : `${what} would be deleted. To do it, repeat it with --yes.`; // prettier-ignore
  screen.note({ text, tone: 'warn' });
}

/** What an enqueue would be given. */
function linesOf(record: SpoolRecord): object[] {
  const { at = 0, refused, jobs = [] } = callOf(record) ?? {};
  return jobs.map(({ payload, options, at: runAt, payloadBytes, lane: _lane, ...job }) => ({
    ...{ ...job, spooledAt: new Date(at), refused },
    payload: JSON.parse(payload) as unknown,
    payloadBytes: payloadBytes?.toString('base64'),
    runAt,
    options: options === undefined ? undefined : (JSON.parse(options) as unknown),
  }));
}

async function refuseMissing(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new QueueError(
      'INVALID_OPTION',
      `There is no folder ${quote(folder)}. Name the one that the option spool.folder names, on the machine of the process.`,
    );
}
