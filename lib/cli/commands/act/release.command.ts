import type { QueueAdmin } from '../../../admin/queue-admin.js';
import { listed, PROGRAM } from '../../../runtime/words.js';
import { QueueError } from '../../../job/queue.errors.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { finish, inBatches, type BatchRun } from '../../in-batches.js';
import { refuseUnknownQueue } from '../../known-queue.js';
import { counted } from '../../show/numbers.js';
import { examples } from '../../examples.js';

interface ReleaseFlags {
  all?: boolean;
  yes?: boolean;
}

interface Counts {
  released: number;
}

/** `release <queue> [group]`: lets ordered groups go on behind a job that failed for good. */
export const addRelease: AddCommand = (program, act) => {
  program
    .command('release')
    .description('let an ordered group continue behind the failed job that blocks it')
    .argument('<queue>', 'its name')
    .argument('[group]', 'left out: a queue that is ordered as a whole')
    .option('--all', 'every blocked group of the queue; counts them, and does it with --yes')
    .option('--yes', 'do it')
    .addHelpText('after', EXAMPLES)
    .action(act(release));
};

const EXAMPLES = `
The job stays in the dead letter queue. To run it first, "${PROGRAM} retry" it instead.
${examples(`release ledger account-7
release ledger --all --yes`)}`;

async function release(
  cli: Cli,
  queue: string,
  group: string | undefined,
  flags: ReleaseFlags,
): Promise<number> {
  if (flags.all && group !== undefined)
    throw new QueueError(
      'INVALID_OPTION',
      'release: give a group, or --all of the queue, not both.',
    );
  return flags.all ? releaseAll(cli, queue, flags.yes ?? false) : releaseOne(cli, queue, group);
}

async function releaseOne(cli: Cli, queue: string, group?: string): Promise<number> {
  const session = await cli.session();
  const job = await session.admin.releaseGroup(queue, group);
  if (job === undefined) await refuseUnknownQueue(session, queue);
  const others =
    job === undefined
      ? (await session.admin.blockedGroups(queue)).map((blocked) => blocked.group)
      : [];
  const which = group ? `Group "${group}" of queue "${queue}"` : `Queue "${queue}"`;
  const told = job
    ? `${which} continues behind job ${job}.`
    : `${which} is not blocked by a failed job.${hintOf(others)}`;
  await cli.screen.answer({ queue, group: group ?? '', released: job ?? null }, () =>
    cli.screen.say(told),
  );
  return job === undefined ? EXIT.trouble : EXIT.ok;
}

/** Which groups could have been meant. */
const hintOf = (groups: string[]): string =>
  groups.length === 0
    ? ''
    : ` Blocked in this queue: ${listed(
        groups.map((group) => (group ? `"${group}"` : '(whole queue)')),
        5,
      )}.`;

async function releaseAll(cli: Cli, queue: string, yes: boolean): Promise<number> {
  const session = await cli.session();
  const end = await inBatches<Counts>(cli, {
    what: yes ? 'Releasing' : 'Counting',
    none: { released: 0 },
    sizeOf: ({ released }) => released,
    work: (run) => (yes ? releaseEach(session.admin, queue, run) : counting(session.admin, queue)),
  });
  const { released } = end.counts;
  if (end.complete && released === 0) await refuseUnknownQueue(session, queue);
  const told = `${counted(released, 'group')} of queue "${queue}" ${yes ? (released === 1 ? 'continues' : 'continue') : 'would continue'}.`;
  return finish(cli, end, { yes, told: [told] });
}

async function counting(admin: QueueAdmin, queue: string): Promise<Counts> {
  const { blockedGroups } = await admin.stats(queue);
  return { released: blockedGroups?.groups ?? 0 };
}

/** Page after page, until none is left; a group that is blocked again meanwhile was released once already, and is left alone. */
const releaseEach = (admin: QueueAdmin, queue: string, run: BatchRun<Counts>): Promise<Counts> =>
  admin.act('release', { queue, all: true }, () => eachGroup(admin, queue, run));

async function eachGroup(
  admin: QueueAdmin,
  queue: string,
  { signal, onBatch }: BatchRun<Counts>,
): Promise<Counts> {
  const seen = new Set<string>();
  let released = 0;
  for (;;) {
    const blocked = (await admin.blockedGroups(queue)).filter(({ job }) => !seen.has(job));
    if (blocked.length === 0 || signal.aborted) return { released };
    for (const { group, job } of blocked) {
      if (signal.aborted) break;
      seen.add(job);
      if (await admin.releaseGroup(queue, group)) released++;
      onBatch({ released });
    }
  }
}
