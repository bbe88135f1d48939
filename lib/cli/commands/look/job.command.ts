import { unknown } from '../../../admin/revivals.js';
import type { AttemptRecord, FoundJob } from '../../../job/job.js';
import { payloadOf } from '../../../storage/reading/find.repository.js';
import type { AddCommand, Cli } from '../../command.js';
import { toneOf } from '../../show/job-table.js';
import type { Cell } from '../../show/table.js';
import { progressText } from '../../show/progress-bar.js';
import { fromNow, lasted, moment } from '../../show/times.js';
import { visibleJson } from '../../show/visible.js';
import { examples } from '../../examples.js';

/** `job <id>`: all of one job; what it carries only with `--payload`. */
export const addJob: AddCommand = (program, act) => {
  program
    .command('job')
    .description('one job wherever it is: state, times, errors, history')
    .argument('<id>', 'its UUID')
    .option('--payload', 'show payload, output, checkpoint and headers too')
    .addHelpText('after', EXAMPLES)
    .action(
      act((cli, id: string, { payload = false }: { payload?: boolean }) => show(cli, id, payload)),
    );
};

const EXAMPLES = examples('job <id> --payload --json | jq .payload');

/** What may be large, or nobody else's business. */
const CARRIED = ['headers', 'payload', 'payloadBytes', 'output', 'checkpoint'] as const;

async function show(cli: Cli, id: string, withPayload: boolean): Promise<void> {
  const job = await (await cli.session()).admin.job(id);
  if (!job) throw unknown(id);
  const told = withPayload ? readable(job) : without(job);
  await cli.screen.answer(told, async () => {
    await facts(cli, job);
    failure(cli, job);
    await history(cli, job.history);
    if (withPayload) carried(cli, told);
  });
}

function without(job: FoundJob): Partial<FoundJob> {
  return Object.fromEntries(
    Object.entries(job).filter(([name]) => !(CARRIED as readonly string[]).includes(name)),
  );
}

/** Bytes as base64: JSON has no others. */
function readable(job: FoundJob): Record<string, unknown> {
  const { payloadBytes, ...rest } = job;
  const told = { ...rest, payload: payloadOf(job) };
  return { ...told, ...(payloadBytes ? { payloadBytes: payloadBytes.toString('base64') } : {}) };
}

type Field = [name: string, value: Cell | undefined];

const facts = ({ screen }: Cli, job: FoundJob): Promise<void> =>
  screen.fields([...standing(job), progress(screen, job), ...times(job), ...marks(job)]);

function progress(screen: Cli['screen'], { progress: said }: FoundJob): Field {
  const who = said && ` (attempt ${said.attempt}, ${fromNow(said.at)})`;
  return ['progress', said && `${progressText(said, screen)}${who}`];
}

function standing({ id, queue, name, state, attempt, maxAttempts, ...job }: FoundJob): Field[] {
  return [
    ['id', id],
    ['queue', queue],
    ['name', name || undefined],
    ['state', { text: state, tone: toneOf(state) }],
    ['attempts', maxAttempts === undefined ? String(attempt) : `${attempt} of ${maxAttempts}`],
    ['priority', unlessZero(job.priority)],
    ['stalls', unlessZero(job.stalls)],
    ['reschedules', unlessZero(job.reschedules)],
  ];
}

function times({
  createdAt,
  runAt,
  finishedAt,
  cancelRequestedAt,
  commitBy,
  runMs,
  worker,
}: FoundJob): Field[] {
  return [
    ['created', moment(createdAt)],
    [finishedAt ? 'was due' : 'due', moment(runAt)],
    ['ended', finishedAt && moment(finishedAt)],
    ['cancel asked', cancelRequestedAt && { text: moment(cancelRequestedAt), tone: 'warn' }],
    ['commit by', commitBy && moment(commitBy)],
    ['last run', runMs === undefined ? undefined : lasted(runMs)],
    ['on worker', worker],
  ];
}

function marks({ uniqueKey, fingerprint, group, limitKey, ...job }: FoundJob): Field[] {
  const { workflowId, labels } = job;
  return [
    ['unique key', uniqueKey],
    ['fingerprint', fingerprint],
    ['group', group],
    ['limit key', limitKey],
    ['workflow', workflowId],
    ['labels', labels.length > 0 ? labels.join(', ') : undefined],
  ];
}

const unlessZero = (count: number): string | undefined => (count === 0 ? undefined : String(count));

function failure({ screen }: Cli, { lastError }: FoundJob): void {
  if (!lastError) return;
  const { causes = [], stack } = lastError;
  screen.say('');
  const [text, ...caused] = [lastError, ...causes].map(
    ({ name, message, code }) => `${name}${code ? ` (${code})` : ''}: ${message}`,
  );
  screen.say({ text: text!, tone: 'bad' });
  for (const cause of caused) screen.say({ text: `caused by ${cause}`, tone: 'bad' });
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line));
  for (const frame of frames ?? []) screen.say({ text: frame, tone: 'dim' });
}

async function history({ screen }: Cli, records: AttemptRecord[]): Promise<void> {
  if (records.length === 0) return;
  screen.say('');
  const heads = ['attempt', 'ended', 'outcome', 'run', 'error'];
  const rows = records.map(({ attempt, at, outcome, runMs, error }): Cell[] => [
    String(attempt),
    at?.slice(0, 19).replace('T', ' ') ?? '',
    outcome ?? '',
    runMs === undefined ? '' : lasted(runMs),
    error ? `${error.name}: ${error.message}` : '',
  ]);
  await screen.table(
    heads.map((head) => ({ head, shrinks: head === 'error' })),
    rows,
  );
}

function carried({ screen }: Cli, told: Partial<Record<(typeof CARRIED)[number], unknown>>): void {
  for (const name of CARRIED) {
    const value = told[name];
    if (value === undefined || (name === 'headers' && Object.keys(value as object).length === 0))
      continue;
    screen.say('');
    screen.say({ text: name, tone: 'dim' });
    screen.text(visibleJson(value, 2));
  }
}
