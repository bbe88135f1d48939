import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { toneOf } from '../../show/job-table.js';
import { showTroubles } from '../../show/troubles.js';
import { examples } from '../../examples.js';

/** `explain <id>`: why a job does not run. */
export const addExplain: AddCommand = (program, act) => {
  program
    .command('explain')
    .description('why this job does not run: every reason that holds, the strongest first')
    .argument('<id>', 'its UUID')
    .addHelpText('after', examples('explain <id>'))
    .action(act(explain));
};

async function explain({ screen, session }: Cli, id: string): Promise<number> {
  const { admin } = await session();
  const explanation = await admin.explain(id);
  const { state, reasons } = explanation;
  await screen.answer(explanation, async () => {
    if (state) screen.say(explanation.id, ' is ', { text: state, tone: toneOf(state) });
    await screen.fields(reasons.map(({ code, text }) => [code, text]));
    if (explanation.troubles.length > 0) showTroubles(screen, explanation.troubles);
  });
  return state === undefined ? EXIT.trouble : EXIT.ok;
}
