import type { DutyName, Rounds } from '../../../maintenance/duties.js';
import { QueueEventBus, type QueueEvents } from '../../../observability/events.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { counted } from '../../show/numbers.js';
import type { Session } from '../../session.js';
import { examples } from '../../examples.js';

/** What the duties did. `warnings`: what they could not. */
interface Maintained {
  complete: boolean;
  /** Jobs of silent workers, given back or ended. */
  reaped: number;
  /** Staged jobs that nobody committed in time. */
  expired: number;
  warnings: QueueEvents['warning'][];
}

/** A duty that still finds work after so many rounds is left to the next call. */
const MAX_ROUNDS = 1_000;

/** `maintain`: what workers do again and again, once, by hand. */
export const addMaintain: AddCommand = (program, act) => {
  program
    .command('maintain')
    .description(
      'do once what any worker does again and again: give back the jobs of silent workers, promote, expire, clean',
    )
    .addHelpText('after', EXAMPLES)
    .action(act(maintain));
};

const EXAMPLES = `
It is safe beside workers and repeats of itself. It takes the rights of queue_worker, and for partitions those of the owner of the tables; retention is the default one.
Exit code 1: something could not be done.

${examples('maintain')}`;

async function maintain(cli: Cli): Promise<number> {
  const session = await cli.session();
  const signal = cli.around.interruption();
  const done: Maintained = { complete: false, reaped: 0, expired: 0, warnings: [] };
  const rounds = await roundsFor(session, done);
  for (const round of Object.values(rounds)) await untilDone(round, signal);
  done.complete = !signal.aborted;
  await cli.screen.answer(done, () => {
    const { screen } = cli;
    screen.say(
      `${counted(done.reaped, 'job')} of silent workers given back, ${counted(done.expired, 'staged job')} expired; partitions, workflows and the rest are looked after.`,
    );
    for (const { code, message } of done.warnings)
      screen.say({ text: `${code}: ${message}`, tone: 'warn' });
    if (!done.complete)
      screen.note({ text: 'Interrupted: that is how far it came.', tone: 'warn' });
  });
  return done.complete && done.warnings.length === 0 ? EXIT.ok : EXIT.trouble;
}

async function roundsFor({ storage, options }: Session, done: Maintained): Promise<Rounds> {
  const { roundsOf } = await import('../../../maintenance/duties.js');
  const events = new QueueEventBus();
  events.on('reaped', ({ jobs }) => void (done.reaped += jobs));
  events.on('expired', ({ jobs }) => void (done.expired += jobs));
  events.on('warning', (warning) => void done.warnings.push(warning));
  const nothing = (): void => undefined;
  // In the order of the list: what one leaves to another comes behind it.
  return roundsOf({
    storage,
    options,
    events,
    lookEveryMs: 1,
    lanes: () => [],
    wake: nothing,
    apply: async () => nothing(),
  });
}

async function untilDone(round: Rounds[DutyName], signal: AbortSignal): Promise<void> {
  for (let n = 0; n < MAX_ROUNDS && !signal.aborted; n++) if ((await round()) > 0) return;
}
