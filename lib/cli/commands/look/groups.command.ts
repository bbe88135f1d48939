import type { BlockedGroup } from '../../../admin/overview.js';
import type { AddCommand, Cli } from '../../command.js';
import { refuseUnknownQueue } from '../../known-queue.js';
import { countText } from '../../show/queue-table.js';
import type { Cell } from '../../show/table.js';
import { span } from '../../show/times.js';
import { PROGRAM } from '../../../runtime/words.js';
import { examples } from '../../examples.js';

/** `groups [queue]`: ordered groups that wait for a person. */
export const addGroups: AddCommand = (program, act) => {
  program
    .command('groups')
    .description('ordered groups that a failed job blocks, the longest blocked first')
    .argument('[queue]', 'of this queue only')
    .addHelpText('after', EXAMPLES)
    .action(act(groups));
};

const EXAMPLES = `
A group continues when its job is retried or purged, or when the group is released ("${PROGRAM} release").

${examples('groups ledger --json')}`;

async function groups(cli: Cli, queue?: string): Promise<void> {
  const session = await cli.session();
  const found = await session.admin.blockedGroups(queue);
  if (found.length === 0) await refuseUnknownQueue(session, queue);
  await cli.screen.answer({ groups: found }, async () => {
    if (found.length === 0) return cli.screen.say('No ordered group is blocked by a failed job.');
    const columns = [
      { head: 'queue' },
      { head: 'group', shrinks: true },
      { head: 'blocked by' },
      { head: 'for', right: true },
      { head: 'waiting', right: true },
      { head: '' },
    ];
    await cli.screen.table(columns, found.map(rowOf));
  });
}

function rowOf({ queue, group, job, since, waiting, halts }: BlockedGroup): Cell[] {
  const halted: Cell = halts ? { text: 'halts the queue', tone: 'bad' } : '';
  return [
    queue,
    group || '(whole queue)',
    job,
    span(Date.now() - since.getTime()),
    countText(waiting),
    halted,
  ];
}
