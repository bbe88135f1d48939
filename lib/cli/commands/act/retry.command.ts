import type { Retried } from '../../../admin/revivals.js';
import type { AddCommand, Cli } from '../../command.js';
import { eachId } from '../../each-id.js';
import { PROGRAM } from '../../../runtime/words.js';
import { examples } from '../../examples.js';

const WORDS: Record<Retried['outcome'], string> = {
  revived: 'runs again, its attempts from 0',
  promoted: 'was waiting for its time, and is ready now',
  restored: 'was in no place, and is back where it belongs',
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
For many jobs by filter there is "${PROGRAM} redrive".

${examples('retry <id>')}`;

const retry = (cli: Cli, ids: string[]): Promise<number> =>
  eachId<Retried>(cli, ids, {
    action: 'retry',
    work: ({ admin }, id) => admin.retry(id),
    text: ({ id, outcome }) => `${id} ${WORDS[outcome]}`,
  });
