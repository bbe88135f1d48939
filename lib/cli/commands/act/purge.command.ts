import type { PurgeCounts } from '../../../admin/job-filter.js';
import type { AddCommand, Cli } from '../../command.js';
import { addFilter, filterOf, refuseUnknown, type FilterFlags } from '../../filter-flags.js';
import { finish, inBatches } from '../../in-batches.js';
import { counted } from '../../show/numbers.js';
import { examples } from '../../examples.js';

interface PurgeFlags extends FilterFlags {
  yes?: boolean;
}

/** `purge`: deletes waiting and ended jobs for good. */
export const addPurge: AddCommand = (program, act) => {
  addFilter(
    program
      .command('purge')
      .description('delete waiting and ended jobs for good; counts them, and does it with --yes'),
  )
    .option('--yes', 'do it')
    .addHelpText('after', EXAMPLES)
    .action(act(purge));
};

const EXAMPLES = `
It needs a filter. What runs is left alone: cancel it. Ctrl-C ends it between two batches; a repeat continues.
${examples(`purge --queue mail --state ready
purge --state dead --finished-before 7d --yes`)}`;

async function purge(cli: Cli, flags: PurgeFlags): Promise<number> {
  const session = await cli.session();
  const { yes = false } = flags;
  const end = await inBatches<PurgeCounts>(cli, {
    what: yes ? 'Deleting' : 'Counting',
    none: { purged: 0, left: 0 },
    sizeOf: ({ purged }) => purged,
    work: (run) => session.admin.purge(filterOf(flags), { dryRun: !yes, ...run }),
  });
  const { purged, left } = end.counts;
  if (end.complete && purged + left === 0) await refuseUnknown(session, flags);
  const told = [
    `${counted(purged, 'job')} ${yes ? (purged === 1 ? 'is deleted' : 'are deleted') : 'would be deleted'}.`,
    ...(left > 0
      ? [
          `${counted(left, 'job')} began to run or moved meanwhile, and ${left === 1 ? 'is' : 'are'} left.`,
        ]
      : []),
  ];
  return finish(cli, end, { yes, told });
}
