import type { WorkerSummary } from '../../admin/overview.js';
import type { AddCommand, Cli } from '../command.js';
import type { Cell } from '../table.js';
import { span } from '../times.js';

/** `workers`: every process that holds a lease. */
export const addWorkers: AddCommand = (program, act) => {
  program
    .command('workers')
    .description('every worker process: since when, what it serves, how many jobs it holds')
    .addHelpText('after', '\nExamples:\n  simple-queue workers\n  simple-queue workers --json')
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
      { head: 'queues', shrinks: true },
    ];
    await screen.table(columns, workers.map(rowOf));
  });
}

function rowOf({ worker, live, since, jobs, queues }: WorkerSummary): Cell[] {
  const alive: Cell = live ? { text: 'yes', tone: 'good' } : { text: 'silent', tone: 'bad' };
  return [worker, alive, span(Date.now() - since.getTime()), String(jobs), queues.join(', ')];
}
