import type { CancelCounts, CancelSelector } from '../../../job/enqueue-options.js';
import { isTerminal, type JobState } from '../../../job/job-state.js';
import { QueueError } from '../../../job/queue.errors.js';
import type { AddCommand, Cli } from '../../command.js';
import { eachId } from '../../each-id.js';
import { EXIT } from '../../exit-code.js';
import { addFilter, filterOf, refuseUnknown, type FilterFlags } from '../../filter-flags.js';
import { finish, inBatches } from '../../in-batches.js';
import { refuseUnknownQueue } from '../../known-queue.js';
import { counted } from '../../show/numbers.js';
import type { Session } from '../../session.js';
import { examples } from '../../examples.js';

interface CancelFlags extends FilterFlags {
  yes?: boolean;
}

/** What became of one id. `requested`: it runs, and was asked to stop. */
interface CancelledJob {
  id: string;
  outcome: 'cancelled' | 'requested' | 'ended' | 'unknown';
  state?: JobState;
}

/** `cancel`: ends jobs that nobody wants any more, by id or by what they share. */
export const addCancel: AddCommand = (program, act) => {
  addFilter(
    program
      .command('cancel')
      .description('end waiting jobs, and ask running ones to stop')
      .argument('[id...]', 'their UUIDs; or some of the options'),
  )
    .option('--yes', 'do it')
    .addHelpText('after', EXAMPLES)
    .action(
      act((cli, ids: string[], flags: CancelFlags) => {
        if (ids.length > 0) return byIds(cli, ids, flags);
        return isSelector(flags) ? bySelector(cli, flags) : byFilter(cli, flags);
      }),
    );
};

const EXAMPLES = `
Ids, one unique key, group, fingerprint or workflow are ended at once. A filter (a queue, names, labels, states, times,
also beside one of those) counts its jobs first, and ends them with --yes; Ctrl-C ends it between two batches, and a repeat goes on.
${examples(`cancel <id>
cancel --fingerprint customer:42
cancel --queue mail --group tenant:7 --state blocked --yes
cancel --queue mail --name reminder --state scheduled,ready --yes`)}`;

/** What names a few jobs that belong together; anything else is a filter. */
function isSelector({ uniqueKey, fingerprint, group, workflow, ...rest }: CancelFlags): boolean {
  const isFilter = Object.keys(rest).some((flag) => flag !== 'queue');
  return !isFilter && [uniqueKey, fingerprint, group, workflow].some((text) => text !== undefined);
}

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
    action: 'cancel',
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
  if (state === undefined) return { id, outcome: 'unknown' };
  // It was asked before.
  return isTerminal(state) ? { id, outcome: 'ended', state } : { id, outcome: 'requested' };
}

async function bySelector(
  { screen, session }: Cli,
  { workflow: workflowId, queue, uniqueKey, fingerprint, group }: CancelFlags,
): Promise<number> {
  const selector: CancelSelector = { queue, uniqueKey, fingerprint, group, workflowId };
  const opened = await session();
  const work = () => opened.queues().cancel(selector);
  const counts = await opened.admin.act('cancel', selector, work);
  if (counts.cancelled + counts.requested === 0) await refuseUnknownQueue(opened, queue);
  await screen.answer(counts, () => screen.say(told(counts, true)));
  return EXIT.ok;
}

async function byFilter(cli: Cli, flags: CancelFlags): Promise<number> {
  const { yes = false } = flags;
  const session = await cli.session();
  const end = await inBatches<CancelCounts>(cli, {
    what: yes ? 'Cancelling' : 'Counting',
    none: { cancelled: 0, requested: 0 },
    sizeOf: ({ cancelled, requested }) => cancelled + requested,
    work: (run) => session.admin.cancel(filterOf(flags), { dryRun: !yes, ...run }),
  });
  const { cancelled, requested } = end.counts;
  if (end.complete && cancelled + requested === 0) await refuseUnknown(session, flags);
  return finish(cli, end, { yes, told: [told(end.counts, yes)] });
}

function told({ cancelled, requested }: CancelCounts, yes: boolean): string {
  const asked = yes ? (requested === 1 ? 'was asked' : 'were asked') : 'would be asked';
  const running = requested > 0 ? `, ${counted(requested, 'running job')} ${asked} to stop` : '';
  return `${counted(cancelled, 'waiting job')} ${yes ? '' : 'would be '}cancelled${running}.`;
}
