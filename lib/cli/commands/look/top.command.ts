import { setTimeout as rest } from 'node:timers/promises';
import type { BusyQueue, Percentiles, RunTotals, SeriesPoint } from '../../../admin/series.js';
import { QueueError } from '../../../job/queue.errors.js';
import type { AddCommand, Cli } from '../../command.js';
import { counted, parseWhole } from '../../show/numbers.js';
import type { Session } from '../../session.js';
import type { Cell, Column } from '../../show/table.js';
import { lasted, parseSpan, span } from '../../show/times.js';
import { MINUTE_MS } from '../../../job/values/duration.js';
import { examples } from '../../examples.js';

interface TopFlags {
  over: number;
  limit: number;
}

/** What was worked in the last time. */
interface Top {
  from: Date;
  to: Date;
  points: SeriesPoint[];
  queues: BusyQueue[];
}

const LEAST_MS = MINUTE_MS;
const MOST_MS = 60 * MINUTE_MS;
const EVERY_MS = 2_000;
/** To the first cell, and away with what is there. */
const CLEARED = '\u001b[H\u001b[J';

/** `top`: which queues work most, with throughput and percentiles; live on a terminal. */
export const addTop: AddCommand = (program, act) => {
  program
    .command('top')
    .description(
      'which queues work most: runs, how they ended, how long jobs waited and ran; live on a terminal',
    )
    .option(
      '--over <time>',
      'of the last minutes, 1min to 1h; default: 15min',
      parseSpan,
      15 * MINUTE_MS,
    ) // prettier-ignore
    .option('--limit <count>', 'queues, 1 to 1000', parseWhole, 20)
    .addHelpText('after', EXAMPLES)
    .action(act(top));
};

const EXAMPLES = `
Workers write what they have counted once a minute: the newest minute is never whole. In a pipe, and with --json, it looks once.

${examples(`top --over 1h --json | jq '.queues[0]'`)}`;

async function top(cli: Cli, flags: TopFlags): Promise<void> {
  if (flags.over < LEAST_MS || flags.over > MOST_MS)
    throw new QueueError(
      'INVALID_OPTION',
      `top: --over must be from ${span(LEAST_MS)} to ${span(MOST_MS)}.`,
    );
  const session = await cli.session();
  if (cli.screen.json || cli.screen.width === undefined) return show(cli, session, flags);
  const signal = cli.around.interruption();
  while (!signal.aborted) {
    await show(cli, session, flags);
    await rest(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function show(cli: Cli, session: Session, flags: TopFlags): Promise<void> {
  const found = await look(session, flags);
  await cli.screen.answer(found, async () => {
    if (cli.screen.width !== undefined) cli.around.out.write(CLEARED);
    await tell(cli, found, flags);
  });
}

async function look({ admin, storage }: Session, { over, limit }: TopFlags): Promise<Top> {
  const to = await storage.tallies.now();
  const from = new Date(Math.floor((to.getTime() - over) / MINUTE_MS) * MINUTE_MS);
  const { points } = await admin.series({ from, to, stepMs: MINUTE_MS });
  return { from, to, points, queues: await admin.busiest({ from, to, limit }) };
}

async function tell({ screen }: Cli, { points, queues }: Top, { over }: TopFlags): Promise<void> {
  const sum = (what: 'started' | 'retried' | 'failed'): number =>
    points.reduce((total, point) => total + point[what], 0);
  const [started, retried, failed] = [sum('started'), sum('retried'), sum('failed')];
  screen.say(
    { text: `last ${span(over)}  `, tone: 'dim' },
    { text: counted(started, 'run'), tone: 'strong' },
    `, ${retried.toLocaleString('en-US')} retried, `,
    { text: `${failed.toLocaleString('en-US')} failed`, tone: failed > 0 ? 'bad' : undefined },
    `  ${bars(points.map((point) => point.started))}`,
  );
  if (queues.length === 0) return screen.say('Nothing was counted in this time.');
  screen.say('');
  await screen.table(
    COLUMNS,
    queues.map((queue) => rowOf(queue, over)),
  );
}

const HEADS = ['runs', 'per min', 'succeeded', 'retried', 'failed', 'wait p50', 'p95', 'run p50', 'p95']; // prettier-ignore
const COLUMNS: Column[] = [
  { head: 'queue', shrinks: true },
  ...HEADS.map((head) => ({ head, right: true })),
];

function rowOf({ queue, ...totals }: BusyQueue, over: number): Cell[] {
  const { started, succeeded, retried, failed, wait, run } = totals;
  const number = (jobs: number): string => jobs.toLocaleString('en-US');
  return [
    { text: queue, tone: 'strong' },
    number(started),
    number(Math.round((started / over) * MINUTE_MS * 10) / 10),
    number(succeeded),
    { text: number(retried), tone: retried > 0 ? 'warn' : undefined },
    { text: number(failed), tone: failed > 0 ? 'bad' : undefined },
    ...timesOf(wait),
    ...timesOf(run),
  ];
}

const timesOf = (times: RunTotals['wait']): string[] =>
  (['p50', 'p95'] as const).map((share: keyof Percentiles) => (times ? lasted(times[share]) : ''));

const BARS = '▁▂▃▄▅▆▇█';

function bars(counts: number[]): string {
  const most = Math.max(1, ...counts);
  return counts.map((count) => BARS[Math.ceil((count / most) * (BARS.length - 1))]).join('');
}
