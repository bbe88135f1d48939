import type { ListedJob } from '../../admin/listed-job.js';
import { KEPT_IN, isTerminal, type JobState } from '../../job/job-state.js';
import type { Screen } from './screen.js';
import type { Cell, Column, Row, Tone } from './table.js';
import { fromNow } from './times.js';

const COLUMNS: Column[] = [
  { head: 'id' },
  { head: 'state' },
  { head: 'queue', shrinks: true },
  { head: 'when', right: true },
  { head: 'attempts', right: true },
];

const MOST = 24;

/** Shown where a job of the list has one. */
const OTHERS: readonly [head: string, textOf: (job: ListedJob) => string][] = [
  ['group', ({ group = '' }) => group],
  ['labels', ({ labels }) => labels.join(' ')],
  ['workflow', ({ workflowId = '' }) => workflowId],
];

/** Jobs as a table. On a terminal an error is under its job, elsewhere beside it: one line per job for `grep`. */
export async function showJobs(screen: Screen, jobs: readonly ListedJob[]): Promise<void> {
  const others = OTHERS.filter(([, textOf]) => jobs.some((job) => textOf(job) !== ''));
  const columns = [...COLUMNS, ...others.map(([head]): Column => ({ head }))];
  const cells = (job: ListedJob): Cell[] => [
    ...cellsOf(job),
    ...others.map(([, textOf]) => fitting(textOf(job), screen.width)),
  ];
  if (screen.width === undefined)
    await screen.table(
      [...columns, { head: 'error' }],
      jobs.map((job) => [...cells(job), errorOf(job)]),
    );
  else
    await screen.table(
      columns,
      jobs.flatMap((job): Row[] => [
        cells(job),
        ...(job.lastError ? [{ across: { text: `  ${errorOf(job)}`, tone: 'dim' as const } }] : []),
      ]),
    );
}

function cellsOf(job: ListedJob): Cell[] {
  const { id, state, queue, name, attempt } = job;
  return [
    id,
    { text: state, tone: toneOf(state) },
    name ? `${queue} ${name}` : queue,
    fromNow(timeOf(job)),
    String(attempt),
  ];
}

/** On a terminal as much as distinguishes them. */
const fitting = (text: string, width: number | undefined): string =>
  width === undefined || text.length <= MOST ? text : `${text.slice(0, MOST - 1)}…`;

/** When it ended; before that, when it is or was due. */
const timeOf = ({ finishedAt, runAt }: ListedJob): Date => finishedAt ?? runAt;

const errorOf = ({ lastError }: ListedJob): string =>
  lastError ? `${lastError.name}: ${lastError.message}` : '';

export function toneOf(state: JobState): Tone | undefined {
  if (isTerminal(state))
    return KEPT_IN[state] === 'dead_letter' ? 'bad' : state === 'succeeded' ? 'good' : 'dim';
  return state === 'running' ? 'strong' : undefined;
}
