import { InvalidArgumentError, type Command } from 'commander';
import type { EnqueueOptions, EnqueueOutcome } from '../../../job/enqueue-options.js';
import type { SimpleQueueOptions } from '../../../options/simple-queue.options.js';
import type { AddCommand, Cli } from '../../command.js';
import { QueueError } from '../../../job/queue.errors.js';
import { refuseUnknownQueue } from '../../known-queue.js';
import type { Session } from '../../session.js';
import { payloadOf } from '../../json-payload.js';
import { parseWhole } from '../../show/numbers.js';
import { parseDate, parseSpan } from '../../show/times.js';
import { examples } from '../../examples.js';

interface EnqueueFlags {
  name?: string;
  id?: string;
  delay?: number;
  runAt?: Date;
  priority?: number;
  uniqueKey?: string;
  fingerprint?: string;
  group?: string;
  ordered?: boolean;
  label?: string[];
  header?: Record<string, string>;
  maxAttempts?: number;
  orderedQueue?: boolean;
  fairQueue?: boolean;
  newQueue?: boolean;
  /** false: it has none. */
  key?: string | false;
}

const WORDS: Record<EnqueueOutcome, string> = {
  created: 'is stored',
  existing: 'is known already: nothing was stored',
  replaced: 'was waiting, and has new contents',
  postponed: 'was waiting, and has new contents and a new time',
  throttled: 'of this key was the last: the period is not over, nothing was stored',
  running: 'of this key runs: nothing was stored',
  spooled: 'waits on the disk for the database',
};

/** `enqueue <queue> [payload]`: stores one job. */
export const addEnqueue: AddCommand = (program, act) => {
  const command = program
    .command('enqueue')
    .description('store a job')
    .argument('<queue>', 'the queue, which has to exist')
    .argument('[payload]', 'JSON, or - to read it from standard input; default: null');
  addJobOptions(command)
    .option('--ordered-queue', 'the application says "ordered: true" of this queue')
    .option('--fair-queue', 'the application says "fair: true" of this queue')
    .option('--key <key>', 'what "perKey" of the application would read from the payload')
    .option('--no-key', 'of a queue with a limit per key: the job has none')
    .option('--new-queue', 'the queue may be new')
    .addHelpText('after', EXAMPLES)
    .action(act(enqueue));
};

const EXAMPLES = `
It knows no options of the application. Templates do not check the payload here, but where the job runs.
${examples(`enqueue mail '{"to":"ann@example.com"}' --name welcome --unique-key welcome:7
enqueue reports - --delay 10min < report.json`)}`;

function addJobOptions(command: Command): Command {
  return command
    .option('--name <name>', 'which handler of the queue')
    .option('--id <uuid>', 'your own id: a second enqueue with it does nothing')
    .option('--delay <time>', 'not before this time has passed: 30s, 10min, 2h', parseSpan)
    .option('--run-at <time>', 'not before this moment: 2026-11-21T10:00:00Z', parseDate)
    .option('--priority <number>', 'smaller first', parseWhole)
    .option('--unique-key <key>', 'at most one live job of the queue with this key')
    .option('--fingerprint <tag>', 'a tag that many jobs may share')
    .option('--group <group>', 'jobs that belong together')
    .option('--ordered', 'one job of the group after another')
    .option(
      '--label <label>',
      'what a worker must have; may be given again',
      (label, all: string[] = []) => [...all, label],
    )
    .option('--header <name=value>', 'travels with the job; may be given again', header)
    .option('--max-attempts <count>', 'attempts before the dead letter queue', parseWhole);
}

function header(text: string, all: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('It takes name=value.');
  return { ...all, [text.slice(0, at)]: text.slice(at + 1) };
}

async function enqueue(
  cli: Cli,
  queue: string,
  given: string | undefined,
  flags: EnqueueFlags,
): Promise<void> {
  const payload = given === undefined ? null : await payloadOf(given, cli.around);
  const session = await cli.session();
  // A name that is mistyped would be a new queue, which nobody works.
  if (!flags.newQueue) await refuseUnknownQueue(session, queue);
  if (flags.key === undefined) await refuseWithoutKey(session, queue);
  const queues = session.queues(settingsOf(queue, flags));
  const work = () => queues.enqueue(queue, payload, optionsOf(flags));
  const answer = await session.admin.act('enqueue', { queue, name: flags.name }, work);
  await cli.screen.answer(answer, () => cli.screen.say(`${answer.id} ${WORDS[answer.outcome]}`));
}

function settingsOf(
  queue: string,
  { orderedQueue = false, fairQueue = false, key = false }: EnqueueFlags,
): SimpleQueueOptions['queues'] {
  // Only workers declare limits: here it says where the key is.
  const perKey = key === false ? {} : { perKey: { by: () => key, concurrency: 1 } };
  return orderedQueue || fairQueue || key !== false
    ? { [queue]: { ordered: orderedQueue, fair: fairQueue, ...perKey } }
    : undefined;
}

/** A job without a key would run beside all others of its tenant. */
async function refuseWithoutKey({ admin }: Session, queue: string): Promise<void> {
  const limits = await admin.limits();
  if (limits.some(({ name, perKey }) => perKey && name === queue))
    throw new QueueError(
      'INVALID_OPTION',
      `enqueue: queue "${queue}" has a limit per key, and this command does not know where in the payload the key is. Give --key <key>, or --no-key for a job that is not limited.`,
    );
}

function optionsOf({ delay, label, header: headers, ...flags }: EnqueueFlags): EnqueueOptions {
  const { name, id, runAt, priority, uniqueKey, fingerprint, group, ordered, maxAttempts } = flags;
  const options = {
    name,
    id,
    runAt,
    priority,
    uniqueKey,
    fingerprint,
    group,
    ordered,
    maxAttempts,
    delayMs: delay,
    labels: label,
    headers,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
