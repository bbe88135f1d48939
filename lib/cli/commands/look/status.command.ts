import { needsSomebody, type Trouble } from '../../../job/trouble.js';
import type { QueueSummary, Totals, WorkerSummary } from '../../../admin/overview.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { countText } from '../../show/queue-table.js';
import { showTroubles } from '../../show/troubles.js';
import { span } from '../../show/times.js';
import { examples } from '../../examples.js';

/** Queues in one line. */
const MOST_NAMED = 5;

/** What `status` returns. */
interface Status extends Omit<Totals, 'queues'> {
  database: string;
  schema: string;
  version: number;
  workers: { live: number; silent: number };
  /** Counted to 10,000. */
  queues: number;
  troubles: Trouble[];
}

/** `status`: everything at a glance, and what is wrong. */
export const addStatus: AddCommand = (program, act) => {
  program
    .command('status')
    .description(
      'everything at a glance; exits with 1 if jobs wait for a worker that is not alive, or for a person',
    )
    .addHelpText('after', examples('status --json | jq .oldestReadyMs'))
    .action(act(status));
};

async function status(cli: Cli): Promise<number> {
  const { admin, migrator, database, options } = await cli.session();
  const [totals, workers] = [await admin.totals(), await admin.workers()];
  const troubles = await admin.troubles();
  const { version } = await migrator.version();
  const where = { database: database.shown, schema: options.schema, version };
  const { queues, ...places } = totals;
  const found = { ...where, workers: aliveOf(workers), queues: queues.jobs, ...places, troubles };
  const suspected = totals.suspects.jobs > 0 ? await admin.queues() : [];
  await cli.screen.answer(found, () => show(cli, found, suspected));
  return troubles.some(needsSomebody) ? EXIT.trouble : EXIT.ok;
}

function aliveOf(workers: WorkerSummary[]): Status['workers'] {
  const live = workers.filter((worker) => worker.live).length;
  return { live, silent: workers.length - live };
}

/** Of those that are ready. */
function suspectsText({ suspects }: Status, queues: QueueSummary[]): string | undefined {
  if (suspects.jobs === 0) return undefined;
  const own = queues.filter((queue) => queue.suspects.jobs > 0);
  const named = own.slice(0, MOST_NAMED).map(({ queue, suspects: { jobs } }) => `${queue} ${jobs}`);
  return `${countText(suspects)} of these: ${named.join(', ')}${own.length > MOST_NAMED ? ', ...' : ''}`;
}

async function show({ screen }: Cli, found: Status, queues: QueueSummary[]): Promise<void> {
  const { workers, paused, troubles, oldestReadyMs, deadLetters } = found;
  const silent = workers.silent > 0 ? `, ${workers.silent} silent` : '';
  await screen.fields([
    ['database', found.database],
    ['schema', `${found.schema}, version ${found.version}`],
    [
      'workers',
      { text: `${workers.live} alive${silent}`, tone: workers.live === 0 ? 'bad' : 'good' },
    ],
    ['queues', `${found.queues}${paused.length > 0 ? `, paused: ${paused.join(', ')}` : ''}`],
    [
      'ready',
      `${countText(found.ready)}${oldestReadyMs === undefined ? '' : `, the oldest for ${span(oldestReadyMs)}`}`,
    ],
    ['suspects', suspectsText(found, queues)],
    ['running', countText(found.running)],
    ['scheduled', countText(found.scheduled)],
    ['blocked', found.blocked.jobs > 0 ? countText(found.blocked) : undefined],
    ['staged', found.staged.jobs > 0 ? countText(found.staged) : undefined],
    [
      'dead letters',
      { text: countText(deadLetters), tone: deadLetters.jobs > 0 ? 'warn' : undefined },
    ],
  ]);
  if (troubles.length > 0) showTroubles(screen, troubles);
}
