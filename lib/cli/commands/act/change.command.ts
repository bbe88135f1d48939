import type { ChangeAnswer, JobChanges } from '../../../job/enqueue-options.js';
import type { AddCommand, Cli } from '../../command.js';
import { isDead } from '../../../job/job-state.js';
import { QueueError } from '../../../job/queue.errors.js';
import { EXIT } from '../../exit-code.js';
import { payloadOf } from '../../json-payload.js';
import { parseWhole } from '../../show/numbers.js';
import type { Session } from '../../session.js';
import { parseDate, parseSpan } from '../../show/times.js';
import { examples } from '../../examples.js';

interface ChangeFlags {
  delay?: number;
  runAt?: Date;
  priority?: number;
  payload?: string;
  /** false: it has none. */
  key?: string | false;
}

/** `change <id>`: gives a waiting job another time, priority or payload, and a dead letter another payload. */
export const addChange: AddCommand = (program, act) => {
  program
    .command('change')
    .description(
      'give a waiting job another time, priority or payload; a failed one another payload',
    )
    .argument('<id>', 'its UUID')
    .option('--delay <time>', 'not before this time has passed: 0s, 10min, 2h', parseSpan)
    .option('--run-at <time>', 'not before this moment: 2026-11-21T10:00:00Z', parseDate)
    .option('--priority <number>', 'smaller first', parseWhole)
    .option('--payload <json>', 'JSON, or - to read it from standard input')
    .option('--key <key>', 'with --payload: what "perKey" of the application would read from it')
    .option('--no-key', 'with --payload, of a queue with a limit per key: the job has none')
    .addHelpText('after', EXAMPLES)
    .action(act(change));
};

const EXAMPLES = `
A failed job waits for "retry", and has no time. What runs, has succeeded or was cancelled stays as it is (exit code 1). Templates do not check
the payload here, but where the job runs.

${examples(`change <id> --priority -10 --payload '{"to":"ann@example.com"}'`)}`;

async function change(cli: Cli, id: string, flags: ChangeFlags): Promise<number> {
  const { delay, runAt, priority, payload, key } = flags;
  if (key !== undefined && payload === undefined)
    throw new QueueError('INVALID_OPTION', 'change: --key and --no-key belong to --payload: a key is a part of it.'); // prettier-ignore
  const changes: JobChanges = {
    runAt,
    delayMs: delay,
    priority,
    ...(payload === undefined ? {} : { payload: await payloadOf(payload, cli.around) }),
  };
  const answer = await changed(await cli.session(), id, changes, key);
  await cli.screen.answer(answer, () => cli.screen.say(`${answer.id} ${told(answer)}`));
  return answer.changed ? EXIT.ok : EXIT.trouble;
}

/** Of a queue with a limit per key the command says what the application would read. */
async function changed(
  session: Session,
  id: string,
  changes: JobChanges,
  key: string | false | undefined,
): Promise<ChangeAnswer> {
  const { admin } = session;
  const queue = key === undefined ? undefined : (await admin.job(id))?.queue;
  if (queue === undefined) return admin.change(id, changes);
  const perKey = { by: () => (key === false ? undefined : key), concurrency: 1 };
  return session.adminOf({ [queue]: { perKey } }).change(id, changes);
}

function told({ changed, state }: ChangeAnswer): string {
  if (changed && isDead(state!)) return `is changed, and ${state}: retry runs it again`;
  if (changed) return `is changed, and ${state}`;
  return state === undefined
    ? 'is not known'
    : `is ${state}: only what waits or has failed can be changed`;
}
