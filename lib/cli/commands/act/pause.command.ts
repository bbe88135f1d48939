import type { AddCommand, Cli } from '../../command.js';
import { PROGRAM } from '../../../runtime/words.js';
import { examples } from '../../examples.js';

/** `pause` and `resume`: whether workers claim from a queue. */
export const addPause: AddCommand = (program, act) => {
  program
    .command('pause')
    .description(
      'let workers claim nothing more from a queue; running jobs finish, enqueueing continues',
    )
    .argument('<queue>', 'its name')
    .addHelpText(
      'after',
      `\nIt stays paused, whatever is restarted, until "${PROGRAM} resume".\n${examples('pause mail')}`,
    )
    .action(act((cli, queue: string) => pause(cli, queue, true)));
  program
    .command('resume')
    .description('let workers claim from a queue again')
    .argument('<queue>', 'its name')
    .addHelpText('after', examples('resume mail'))
    .action(act((cli, queue: string) => pause(cli, queue, false)));
};

async function pause({ screen, session }: Cli, queue: string, paused: boolean): Promise<void> {
  const { admin } = await session();
  await (paused ? admin.pause(queue) : admin.resume(queue));
  const told = paused
    ? 'is paused. Running jobs finish; enqueueing continues.'
    : 'is worked again.';
  await screen.answer({ queue, paused }, () => screen.say(`Queue "${queue}" ${told}`));
}
