import type { ListedJob } from '../admin/listed-job.js';
import { KEPT_IN, isTerminal, type JobState } from '../job/job-state.js';
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

/** Jobs as a table. On a terminal an error stands under its job, elsewhere beside it: a line a job for `grep`. */
export async function showJobs(screen: Screen, jobs: readonly ListedJob[]): Promise<void> {
  if (screen.width === undefined)
    await screen.table(
      [...COLUMNS, { head: 'error' }],
      jobs.map((job) => [...cellsOf(job), errorOf(job)]),
    );
  else
    await screen.table(
      COLUMNS,
      jobs.flatMap((job): Row[] => [
        cellsOf(job),
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

/** When it ended; before that, when it is or was due. */
const timeOf = ({ finishedAt, runAt }: ListedJob): Date => finishedAt ?? runAt;

const errorOf = ({ lastError }: ListedJob): string =>
  lastError ? `${lastError.name}: ${lastError.message}` : '';

export function toneOf(state: JobState): Tone | undefined {
  if (isTerminal(state))
    return KEPT_IN[state] === 'dead_letter' ? 'bad' : state === 'succeeded' ? 'good' : 'dim';
  return state === 'running' ? 'strong' : undefined;
}
