import type { LaneSummary, QueuesPage, QueueStats } from '../../../admin/overview.js';
import { QueueError } from '../../../job/queue.errors.js';
import type { Trouble } from '../../../job/trouble.js';
import type { AddCommand, Cli } from '../../command.js';
import { codesOf, countText, isUnserved, showQueues, troubleCell } from '../../show/queue-table.js';
import { parseWhole } from '../../show/numbers.js';
import type { Screen } from '../../show/screen.js';
import type { Cell } from '../../show/table.js';
import { span } from '../../show/times.js';
import { examples } from '../../examples.js';

/** `queues [queue]`: every queue at a glance, or one with its names and how its dead letters ended. */
export const addQueues: AddCommand = (program, act) => {
  program
    .command('queues')
    .description('every queue: what waits, what runs, who works it; or one queue in detail')
    .argument('[queue]', 'its name')
    .option('--limit <count>', 'queues of this page, 1 to 1000, the default', parseWhole)
    .option('--after <queue>', 'continue behind the queue of this name')
    .addHelpText('after', examples('queues mail --json'))
    .action(
      act((cli, queue: string | undefined, page: QueuesPage) =>
        queue === undefined ? showAll(cli, page) : showOne(cli, queue, page),
      ),
    );
};

async function showAll(cli: Cli, { limit = 1_000, after }: QueuesPage): Promise<void> {
  const { admin } = await cli.session();
  const page = { limit, ...(after === undefined ? {} : { after }) };
  const [queues, troubles] = [await admin.queues(page), await admin.troubles()];
  const told = queues.map((each) => ({ ...each, troubles: codesOf(each, troubles) }));
  const next = queues.length === limit ? queues.at(-1)!.queue : undefined;
  await cli.screen.answer({ queues: told, ...(next ? { next } : {}) }, async () => {
    await showQueues(cli.screen, queues, troubles);
    if (next)
      cli.screen.note({ text: `There may be more: repeat it with --after ${next}`, tone: 'dim' });
  });
}

async function showOne(cli: Cli, queue: string, page: QueuesPage): Promise<void> {
  if (Object.keys(page).length > 0)
    throw new QueueError('INVALID_OPTION', 'queues: --limit and --after belong to the list. Leave them out, or the name.'); // prettier-ignore
  const { admin } = await cli.session();
  const [stats, troubles] = [await admin.stats(queue), await admin.troubles()];
  await cli.screen.answer({ ...stats, troubles: codesOf(stats, troubles) }, () =>
    details(cli, stats, troubles),
  );
}

async function details({ screen }: Cli, stats: QueueStats, troubles: Trouble[]): Promise<void> {
  await screen.fields([
    ['queue', { text: stats.queue, tone: 'strong' }],
    ['paused', stats.paused ? pausedCell(stats.pausedAt) : undefined],
    ['troubles', codesOf(stats, troubles).length > 0 ? troubleCell(stats, troubles) : undefined],
    ['ready', countText(stats.ready)],
    ['oldest ready', stats.oldestReadyMs === undefined ? undefined : span(stats.oldestReadyMs)],
    ['running', countText(stats.running)],
    ['scheduled', countText(stats.scheduled)],
    ['blocked', countIfAny(stats.blocked)],
    ['blocked groups', stats.blockedGroups && blockedCell(stats.blockedGroups)],
    ['staged', countIfAny(stats.staged)],
    ['next due', stats.nextRunAt?.toISOString()],
    ['dead letters', deadLettersCell(stats.deadLetters)],
    ...Object.entries(stats.deadLettersByState).map(([state, jobs]): [string, Cell] => [
      `  ${state}`,
      String(jobs),
    ]),
  ]);
  screen.say('');
  await lanesTable(screen, stats.lanes);
}

const pausedCell = (since?: Date): Cell => ({
  text: `since ${since?.toISOString()}`,
  tone: 'warn',
});
const countIfAny = (count: QueueStats['blocked']): string | undefined =>
  count.jobs > 0 ? countText(count) : undefined;
const blockedCell = (blocked: NonNullable<QueueStats['blockedGroups']>): Cell => ({
  text: `${blocked.groups}, since ${blocked.since.toISOString()}`,
  tone: 'bad',
});
const deadLettersCell = (count: QueueStats['deadLetters']): Cell => ({
  text: countText(count),
  tone: count.jobs > 0 ? 'bad' : undefined,
});

async function lanesTable(screen: Screen, lanes: LaneSummary[]): Promise<void> {
  const labelled = lanes.some(({ labels }) => labels.length > 0);
  const rows = lanes.map((lane): Cell[] => [
    lane.name || '(none)',
    ...(labelled ? [lane.labels.join(' ')] : []),
    countText(lane.ready),
    String(lane.workers),
    unservedCell(lane),
  ]);
  await screen.table(
    [
      { head: 'name', shrinks: true },
      ...(labelled ? [{ head: 'labels' }] : []),
      { head: 'ready', right: true },
      { head: 'workers', right: true },
      { head: '' },
    ],
    rows,
  );
}

const unservedCell = (lane: LaneSummary): Cell =>
  isUnserved(lane) ? { text: 'no worker', tone: 'bad' } : '';
