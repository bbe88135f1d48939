import { resolve } from 'node:path';
import { quote } from '../../../job/names.js';
import { QueueError } from '../../../job/queue.errors.js';
import { isText } from '../../../job/values/text.js';
import type { AddCommand, Cli } from '../../command.js';
import { diffOf, type DiffLine } from '../../init/diff.js';
import { planInit, type Change, type InitPlan } from '../../init/plan.js';
import { readProject } from '../../init/project.js';
import { typescriptOf } from '../../init/typescript-of.js';
import { writeChanges } from '../../init/write-changes.js';
import type { Tone } from '../../show/table.js';
import { examples } from '../../examples.js';

interface InitFlags {
  module?: string;
  yes?: boolean;
}

const MOST_PATH = 4_096;

export const addInit: AddCommand = (program, act) => {
  program
    .command('init')
    .description(
      'set up a Nest application: the module, a first handler and a spec; shows what it would change, and does it with --yes',
    )
    .argument('[folder]', 'of the application', '.')
    .option('--module <path>', 'file of the root module; default: app.module.ts among the sources')
    .option('--yes', 'write it')
    .addHelpText('after', examples('init apps/shop --yes'))
    .action(act(init));
};

async function init(
  { screen }: Cli,
  folder: string,
  { module, yes = false }: InitFlags,
): Promise<void> {
  // An empty variable of a script would mean the folder that it happens to run in.
  if (folder === '' || !isText(folder, MOST_PATH))
    throw new QueueError('INVALID_OPTION', `init: folder must be a path, not ${quote(folder)}.`);
  const root = resolve(folder);
  const plan = planInit(readProject(root), typescriptOf(root), module);
  if (yes) writeChanges(root, plan.changes);
  await screen.answer({ ...plan, written: yes }, () => show(screen, plan, yes));
}

function show(
  screen: Cli['screen'],
  { changes, byHand, knownIn }: InitPlan,
  written: boolean,
): void {
  if (knownIn && changes.length === 0)
    return screen.say(
      'Nothing to do: ',
      { text: knownIn, tone: 'strong' },
      ' imports SimpleQueueModule already.',
    );
  for (const change of changes) showChange(screen, change, written);
  for (const { what, lines } of byHand) {
    screen.say({ text: `By hand. ${what}:`, tone: 'warn' });
    screen.text(`\n${lines.replaceAll(/^(?=.)/gm, '  ')}\n`);
  }
  if (!written) screen.note({ text: 'Nothing is written yet. --yes writes it.', tone: 'strong' });
  else if (!knownIn) screen.note({ text: NEXT, tone: 'strong' });
}

const NEXT = `Next: inject GreetingsService somewhere, and call greet('Ann').`;

const TONES: Record<DiffLine['sign'], Tone> = { '+': 'good', '-': 'bad', ' ': 'dim' };

function showChange(
  screen: Cli['screen'],
  { path, before, after }: Change,
  written: boolean,
): void {
  const verb = before === undefined ? 'create' : 'change';
  screen.say({ text: written ? `${verb}d ${path}` : `${verb} ${path}`, tone: 'strong' });
  if (written) return;
  for (const hunk of diffOf(before ?? '', after)) {
    for (const { sign, text } of hunk)
      screen.say({ text: `  ${sign} ${text.replaceAll('\t', '  ')}`.trimEnd(), tone: TONES[sign] });
    screen.say('');
  }
}
