import type { LaneSummary, QueueStats } from '../../admin/overview.js';
import type { AddCommand, Cli } from '../command.js';
import { countText, isUnserved, showQueues } from '../queue-table.js';
import type { Screen } from '../screen.js';
import type { Cell } from '../table.js';
import { span } from '../times.js';

/** `queues [queue]`: every queue at a glance, or one with its names and how its dead letters ended. */
export const addQueues: AddCommand = (program, act) => {
  program
    .command('queues')
    .description('every queue: what waits, what runs, who works it; or one queue in detail')
    .argument('[queue]', 'its name')
    .addHelpText('after', '\nExamples:\n  simple-queue queues\n  simple-queue queues mail --json')
    .action(act((cli, queue?: string) => (queue === undefined ? showAll(cli) : showOne(cli, queue))));
};

async function showAll(cli: Cli): Promise<void> {
  const queues = await (await cli.session()).admin.queues();
  await cli.screen.answer({ queues }, () => showQueues(cli.screen, queues));
}

async function showOne(cli: Cli, queue: string): Promise<void> {
  const stats = await (await cli.session()).admin.stats(queue);
  await cli.screen.answer(stats, () => details(cli, stats));
}

async function details({ screen }: Cli, stats: QueueStats): Promise<void> {
  const { queue, paused, pausedAt, ready, running, scheduled, blocked, staged, blockedGroups, deadLetters, lanes } = stats;
  await screen.fields([
    ['queue', { text: queue, tone: 'strong' }],
    ['paused', paused ? { text: `since ${pausedAt?.toISOString()}`, tone: 'warn' } : undefined],
    ['ready', countText(ready)],
    ['oldest ready', stats.oldestReadyMs === undefined ? undefined : span(stats.oldestReadyMs)],
    ['running', countText(running)],
    ['scheduled', countText(scheduled)],
    ['blocked', blocked.jobs > 0 ? countText(blocked) : undefined],
    [
      'blocked groups',
      blockedGroups && { text: `${blockedGroups.groups}, since ${blockedGroups.since.toISOString()}`, tone: 'bad' },
    ],
    ['staged', staged.jobs > 0 ? countText(staged) : undefined],
    ['next due', stats.nextRunAt?.toISOString()],
    ['dead letters', { text: countText(deadLetters), tone: deadLetters.jobs > 0 ? 'bad' : undefined }],
    ...Object.entries(stats.deadLettersByState).map(([state, jobs]): [string, Cell] => [`  ${state}`, String(jobs)]),
  ]);
  screen.say('');
  await lanesTable(screen, lanes);
}

async function lanesTable(screen: Screen, lanes: LaneSummary[]): Promise<void> {
  const rows = lanes.map((lane): Cell[] => [
    lane.name || '(none)',
    countText(lane.ready),
    String(lane.workers),
    unservedCell(lane),
  ]);
  await screen.table(
    [{ head: 'name', shrinks: true }, { head: 'ready', right: true }, { head: 'workers', right: true }, { head: '' }],
    rows,
  );
}

const unservedCell = (lane: LaneSummary): Cell => (isUnserved(lane) ? { text: 'no worker', tone: 'bad' } : '');
