import type { CancelCounts, CancelSelector } from '../../job/enqueue-options.js';
import type { JobState } from '../../job/job-state.js';
import { QueueError } from '../../job/queue.errors.js';
import type { AddCommand, Cli } from '../command.js';
import { eachId } from '../each-id.js';
import { refuseUnknownQueue } from '../known-queue.js';
import { counted } from '../numbers.js';
import type { Session } from '../session.js';

interface CancelFlags {
  queue?: string;
  uniqueKey?: string;
  fingerprint?: string;
  group?: string;
  workflow?: string;
}

/** What became of one id. `requested`: it runs, and was asked to stop. */
interface CancelledJob {
  id: string;
  outcome: 'cancelled' | 'requested' | 'ended' | 'unknown';
  state?: JobState;
}

/** `cancel`: ends jobs that nobody wants any more, by id or by what they share. */
export const addCancel: AddCommand = (program, act) => {
  program
    .command('cancel')
    .description('end waiting jobs, and ask running ones to stop')
    .argument('[id...]', 'their UUIDs; or one of the options')
    .option('--unique-key <key>', 'the job with this unique key, of --queue')
    .option('--group <group>', 'the jobs of this group, of --queue')
    .option('--fingerprint <tag>', 'the jobs with this fingerprint')
    .option('--workflow <id>', 'the jobs of this workflow')
    .option('--queue <queue>', 'of this queue alone')
    .addHelpText('after', EXAMPLES)
    .action(
      act((cli, ids: string[], flags: CancelFlags) =>
        ids.length > 0 ? byIds(cli, ids, flags) : bySelector(cli, flags),
      ),
    );
};

const EXAMPLES = `
Examples:
  simple-queue cancel 0190f3c2-7b5e-7c1a-9d57-3f2f6f1c2a10
  simple-queue cancel --fingerprint customer:42
  simple-queue cancel --queue mail --unique-key order:7`;

const WORDS: Record<CancelledJob['outcome'], string> = {
  cancelled: 'is cancelled',
  requested: 'runs, and was asked to stop',
  ended: 'has ended already',
  unknown: 'is not known',
};

async function byIds(cli: Cli, given: string[], flags: CancelFlags): Promise<number> {
  if (Object.keys(flags).length > 0)
    throw new QueueError(
      'INVALID_OPTION',
      'cancel: give ids, or one of the options, and not both.',
    );
  return eachId(cli, given, {
    work: cancelled,
    text: ({ id, outcome, state }) =>
      `${id} ${WORDS[outcome]}${outcome === 'ended' ? `: ${state}` : ''}`,
    isDone: ({ outcome }) => outcome === 'cancelled' || outcome === 'requested',
  });
}

async function cancelled(session: Session, id: string): Promise<CancelledJob> {
  const counts = await session.queues().cancel({ id });
  if (counts.cancelled > 0) return { id, outcome: 'cancelled' };
  if (counts.requested > 0) return { id, outcome: 'requested' };
  const state = (await session.queues().find(id))?.state;
  return state === undefined ? { id, outcome: 'unknown' } : { id, outcome: 'ended', state };
}

async function bySelector(
  { screen, session }: Cli,
  { workflow, ...flags }: CancelFlags,
): Promise<void> {
  const selector: CancelSelector = {
    ...flags,
    ...(workflow === undefined ? {} : { workflowId: workflow }),
  };
  const opened = await session();
  const counts = await opened.queues().cancel(selector);
  if (counts.cancelled + counts.requested === 0) await refuseUnknownQueue(opened, flags.queue);
  await screen.answer(counts, () => screen.say(told(counts)));
}

function told({ cancelled, requested }: CancelCounts): string {
  const running = `${counted(requested, 'running job')} ${requested === 1 ? 'was' : 'were'} asked to stop`;
  return `${counted(cancelled, 'waiting job')} cancelled${requested > 0 ? `, ${running}` : ''}.`;
}
