import { setTimeout as rest } from 'node:timers/promises';
import { isTerminal } from '../../../job/job-state.js';
import { checkJobName } from '../../../job/names.js';
import { QueueError } from '../../../job/queue.errors.js';
import { jobProgress } from '../../../job/progress.js';
import type { AddCommand, Cli } from '../../command.js';
import { toneOf } from '../../show/job-table.js';
import type { JobWatch, Look, Watched, WatchedEvent } from '../../job-watch.js';
import { progressText } from '../../show/progress-bar.js';
import { refuseUnknownQueue } from '../../known-queue.js';
import { fromNow, lasted, parseSpan, span } from '../../show/times.js';
import { examples } from '../../examples.js';

interface TailFlags extends Watched {
  interval?: number;
  errors?: boolean;
}

const DEFAULT_INTERVAL_MS = 1_000;
const MIN_INTERVAL_MS = 200;
const MAX_INTERVAL_MS = 3_600_000;

/** `tail`: what happens to jobs, until Ctrl-C. */
export const addTail: AddCommand = (program, act) => {
  program
    .command('tail')
    .description(
      'what happens to jobs, as it happens: starts, progress, retries, ends; until Ctrl-C',
    )
    .option('--queue <queue>', 'jobs of this queue')
    .option('--name <name>', 'jobs for this handler of the queue')
    .option('--errors', 'only what failed, for good or for now')
    .option('--interval <time>', 'how often it looks, 200ms to 1h; default: 1s', parseInterval)
    .addHelpText('after', EXAMPLES)
    .action(act(tail));
};

const EXAMPLES = `
It looks at the tables again and again, since the database reports no events. What starts and ends between two looks is shown by its end.
Not shown: the run of a job that had waited since before, and is done within one interval. "queues" and "jobs" count those.

${examples('tail --errors --json | jq .error.message')}`;

/** A number alone is milliseconds, as in the options of the library. */
const parseInterval = (text: string): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : parseSpan(text);

async function tail(cli: Cli, flags: TailFlags): Promise<void> {
  const { queue, name, errors = false, interval = DEFAULT_INTERVAL_MS } = flags;
  if (interval < MIN_INTERVAL_MS || interval > MAX_INTERVAL_MS)
    throw new QueueError(
      'INVALID_OPTION',
      `tail: --interval must be from ${span(MIN_INTERVAL_MS)} to ${span(MAX_INTERVAL_MS)}.`,
    );
  const session = await cli.session();
  await refuseUnknownQueue(session, queue, name && checkJobName(name));
  const { JobWatch } = await import('../../job-watch.js');
  const watch = new JobWatch(session.storage, { queue, name });
  await watch.look();
  cli.screen.note({
    text: `Watching ${queue ? `queue "${queue}"` : 'all queues'} of ${session.database.shown}. Ctrl-C ends it.`,
    tone: 'dim',
  });
  const signal = cli.around.interruption();
  let isAway = false;
  while (await goesOn(interval, signal)) {
    const look = await lookOrUndefined(cli, watch, isAway);
    isAway = look === undefined;
    if (look) tell(cli, look, errors);
  }
}

/** False once it was interrupted. */
async function goesOn(ms: number, signal: AbortSignal): Promise<boolean> {
  await rest(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

/** A server that restarts is what one watches: it is reported once, and asked again. */
async function lookOrUndefined(
  { screen }: Cli,
  watch: JobWatch,
  wasAway: boolean,
): Promise<Look | undefined> {
  try {
    const look = await watch.look();
    if (wasAway) screen.note({ text: 'The database is back.', tone: 'good' });
    return look;
  } catch (error) {
    if (!(error instanceof QueueError) || error.code !== 'DATABASE_UNAVAILABLE') throw error;
    if (!wasAway) screen.complain(error, 'It is tried again, until it replies or Ctrl-C.');
    return undefined;
  }
}

function tell({ screen }: Cli, { events, full }: Look, errors: boolean): void {
  for (const event of events.filter((one) => !errors || isBad(one))) {
    if (screen.json) screen.item(jsonOf(event));
    else sayEvent(screen, event);
  }
  if (full)
    screen.note({
      text: 'More jobs ended than one look reads: only the newest are shown.',
      tone: 'warn',
    });
}

const isBad = ({ kind, job }: WatchedEvent): boolean =>
  kind === 'retrying' ||
  (kind === 'ended' && job?.state !== 'succeeded' && job?.state !== 'cancelled');

const timeOf = ({ job }: WatchedEvent): Date => job?.finished_at ?? new Date();

function jsonOf(event: WatchedEvent): unknown {
  const { kind, id, job } = event;
  if (!job) return { at: timeOf(event), event: kind, id };
  const { queue, name, state, attempt, run_ms: runMs, worker, last_error: error } = job;
  const told = { at: timeOf(event), event: kind, id, queue, name, state, attempt };
  const ended = isTerminal(state) ? { runMs, worker } : {};
  const failed =
    isBad(event) && error ? { error: { name: error.name, message: error.message } } : {};
  return {
    ...told,
    ...ended,
    ...(kind === 'progress' && job.progress ? { progress: jobProgress(job.progress) } : {}),
    ...(kind === 'retrying' || kind === 'scheduled' ? { runAt: job.run_at } : {}),
    ...failed,
  };
}

function sayEvent(screen: Cli['screen'], event: WatchedEvent): void {
  const { kind, id, job } = event;
  const time = { text: `${timeOf(event).toISOString().slice(11, 19)}  `, tone: 'dim' } as const;
  if (!job) return screen.say(time, 'gone'.padEnd(13), ' ', id);
  const word = kind === 'ended' ? job.state : kind;
  const tone = kind === 'ended' ? toneOf(job.state) : kind === 'retrying' ? 'warn' : undefined;
  const where = job.name ? `${job.queue} ${job.name}` : job.queue;
  screen.say(time, { text: word.padEnd(13), tone }, ' ', id, '  ', where, {
    text: detailOf(event, screen),
    tone: 'dim',
  });
}

function detailOf(event: WatchedEvent, screen: Cli['screen']): string {
  const { kind, job } = event;
  const { run_ms: runMs, run_at: runAt, last_error: error } = job!;
  const took = kind === 'ended' && runMs !== null ? `  ${lasted(runMs)}` : '';
  const when = kind === 'retrying' || kind === 'scheduled' ? `  ${fromNow(runAt)}` : '';
  const said =
    kind === 'progress' && job?.progress
      ? `  ${progressText(jobProgress(job.progress), screen)}`
      : '';
  return `${said}${took}${when}${isBad(event) && error ? `  ${error.name}: ${error.message}` : ''}`;
}
