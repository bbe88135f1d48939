import type { RedriveCounts } from '../../../admin/job-filter.js';
import type { AddCommand, Cli } from '../../command.js';
import { addFilter, filterOf, refuseUnknown, type FilterFlags } from '../../filter-flags.js';
import { finish, inBatches } from '../../in-batches.js';
import { counted, parseWhole } from '../../show/numbers.js';
import { command, type Called } from '../../../runtime/words.js';
import { examples } from '../../examples.js';

interface RedriveFlags extends FilterFlags {
  limit?: number;
  yes?: boolean;
}

/** `redrive`: runs many ended jobs again. */
export const addRedrive: AddCommand = (program, act) => {
  addFilter(
    program
      .command('redrive')
      .description('run many ended jobs again; counts them, and does it with --yes'),
  )
    .option('--limit <count>', 'no more than this many', parseWhole)
    .option('--yes', 'do it')
    .addHelpText('after', EXAMPLES)
    .action(act(redrive));
};

const EXAMPLES = `
Without --state it takes what failed, and nothing that expired. Ctrl-C ends it between two batches; a repeat continues.
${examples(`redrive --queue mail --state failed --finished-after 2h
redrive --queue mail --state failed --finished-after 2h --yes`)}`;

async function redrive(cli: Cli, flags: RedriveFlags): Promise<number> {
  const session = await cli.session();
  const { limit, yes = false } = flags;
  const end = await inBatches<RedriveCounts>(cli, {
    what: yes ? 'Redriving' : 'Counting',
    total: limit,
    none: { revived: 0, keyTaken: 0, gone: 0 },
    sizeOf: ({ revived }) => revived,
    work: (run) => session.admin.redrive(filterOf(flags), { limit, dryRun: !yes, ...run }),
  });
  if (end.complete && Object.values(end.counts).every((count) => count === 0))
    await refuseUnknown(session, flags);
  return finish(cli, end, { yes, told: told(end.counts, yes, session.options) });
}

function told(
  { revived, keyTaken, gone, steps = 0 }: RedriveCounts,
  yes: boolean,
  options: Called,
): string[] {
  return [
    `${counted(revived, 'job')} ${yes ? (revived === 1 ? 'runs again' : 'run again') : 'would run again'}.`,
    ...(keyTaken > 0
      ? [`${counted(keyTaken, 'job')} ${yes ? '' : 'would '}stay: a live job has the unique key.`]
      : []),
    ...(steps > 0
      ? [
          `${counted(steps, 'step')} of workflows ${yes ? '' : 'would '}stay: see ${command(['workflows', '--state', 'failed'], options)}, and retry those.`,
        ]
      : []),
    ...(gone > 0 ? [`${counted(gone, 'job')} moved meanwhile.`] : []),
  ];
}
