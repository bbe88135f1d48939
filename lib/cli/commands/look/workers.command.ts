import type { WorkerSummary } from '../../../admin/overview.js';
import type { AddCommand, Cli } from '../../command.js';
import type { Cell } from '../../show/table.js';
import { span } from '../../show/times.js';
import { examples } from '../../examples.js';

/** `workers`: every process that holds a lease. */
export const addWorkers: AddCommand = (program, act) => {
  program
    .command('workers')
    .description('every worker process: since when, what it serves, how many jobs it holds')
    .addHelpText('after', examples('workers --json'))
    .action(act(show));
};

async function show({ screen, session }: Cli): Promise<void> {
  const workers = await (await session()).admin.workers();
  await screen.answer({ workers }, async () => {
    if (workers.length === 0)
      return screen.say({ text: 'No worker is alive: no job runs.', tone: 'bad' });
    const columns = [
      { head: 'worker' },
      { head: 'alive' },
      { head: 'since', right: true },
      { head: 'jobs', right: true },
      { head: 'loop', right: true },
      { head: 'memory', right: true },
      { head: 'version' },
      { head: 'queues', shrinks: true },
    ];
    await screen.table(columns, workers.map(rowOf));
  });
}

function rowOf({ worker, since, jobs, queues, ...state }: WorkerSummary): Cell[] {
  const { loopMs, memoryMb, version = '' } = state;
  const loop = loopMs === undefined ? '' : `${loopMs} ms`;
  const memory = memoryMb === undefined ? '' : `${memoryMb} MB`;
  const age = span(Date.now() - since.getTime());
  return [worker, aliveOf(state), age, String(jobs), loop, memory, version, queues.join(', ')];
}

function aliveOf({ live, alone }: Pick<WorkerSummary, 'live' | 'alone'>): Cell {
  if (!live) return { text: 'silent', tone: 'bad' };
  return alone ? { text: 'alone with a suspect', tone: 'warn' } : { text: 'yes', tone: 'good' };
}
