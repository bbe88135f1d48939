import type { Retried } from '../../admin/revivals.js';
import { checkId } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';
import type { AddCommand, Cli } from '../command.js';
import { EXIT } from '../exit-code.js';

/** What became of one id. */
type Answer = Retried | { id: string; error: { code: string; message: string } };

const WORDS: Record<Retried['outcome'], string> = {
  revived: 'runs again, its attempts from 0',
  hastened: 'was waiting for its time, and is ready now',
  ready: 'is ready already: nothing was done',
};

/** `retry <id...>`: runs jobs again, or now. */
export const addRetry: AddCommand = (program, act) => {
  program
    .command('retry')
    .description(
      'run ended jobs again, and scheduled ones now; exits with 1 where one of them could not',
    )
    .argument('<id...>', 'their UUIDs')
    .addHelpText('after', EXAMPLES)
    .action(act(retry));
};

const EXAMPLES = `
For many jobs by filter there is "simple-queue redrive".

Examples:
  simple-queue retry 0190f3c2-7b5e-7c1a-9d57-3f2f6f1c2a10`;

async function retry({ screen, session }: Cli, given: string[]): Promise<number> {
  const ids = given.map(checkId);
  const { admin } = await session();
  const jobs: Answer[] = [];
  for (const id of ids)
    jobs.push(await admin.retry(id).catch((error: unknown) => refused(id, error)));
  await screen.answer({ jobs }, () => {
    for (const job of jobs) {
      if ('error' in job) screen.say({ text: job.error.message, tone: 'bad' });
      else screen.say(job.id, ' ', WORDS[job.outcome]);
    }
  });
  return jobs.some((job) => 'error' in job) ? EXIT.trouble : EXIT.ok;
}

/** Of this job alone; what concerns all of them ends the command. */
function refused(id: string, error: unknown): Answer {
  const own = [
    'JOB_UNKNOWN',
    'JOB_RUNNING',
    'JOB_HELD',
    'UNIQUE_KEY_TAKEN',
    'TRANSACTION_CONFLICT',
  ];
  if (!(error instanceof QueueError) || !own.includes(error.code)) throw error;
  return { id, error: { code: error.code, message: error.message } };
}
