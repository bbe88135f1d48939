import { InvalidArgumentError, type Command } from 'commander';
import type { JobFilter } from '../admin/job-filter.js';
import { searched, statesOf } from '../admin/search.js';
import { JOB_STATES, type JobState } from '../job/job-state.js';
import { refuseUnknownQueue } from './known-queue.js';
import type { Session } from './session.js';
import { parseMoment } from './show/times.js';

/** What the options of a command say of jobs. */
export interface FilterFlags extends Omit<JobFilter, 'workflowId'> {
  workflow?: string;
  search?: string;
}

/** Adds the parts of a filter to a command: each narrows the choice. */
export function addFilter(command: Command): Command {
  return command
    .option(
      '--state <states>',
      `${JOB_STATES.join(', ')}; live or dead for all such; several with commas`,
      states,
    )
    .option('--search <words>', 'such as "error:timeout attempt:>2 payload.order.id:42"', plain)
    .option('--queue <queue>', 'jobs of this queue', plain)
    .option('--name <name>', 'jobs for this handler of the queue', plain)
    .option('--fingerprint <tag>', 'jobs with this fingerprint', plain)
    .option('--unique-key <key>', 'jobs with this unique key', plain)
    .option('--group <group>', 'jobs of this group', plain)
    .option('--label <label>', 'jobs for workers with this label, and perhaps others', plain)
    .option('--workflow <id>', 'jobs of this workflow', plain)
    .option(
      '--created-after <time>',
      'a time (2026-11-21T10:00:00Z), or how long ago (30min, 2h, 7d)',
      moment,
    )
    .option('--created-before <time>', 'the same', moment)
    .option('--finished-after <time>', 'the same, of ended jobs', moment)
    .option('--finished-before <time>', 'the same, of ended jobs', moment);
}

/** The filter among the options of a command and in a search. */
export function filterOf(options: FilterFlags): JobFilter {
  const { state, queue, name, fingerprint, uniqueKey, group, label, search = '' } = options;
  const { createdAfter, createdBefore, finishedAfter, finishedBefore } = options;
  const workflowId = options.workflow;
  const said = { state, queue, name, fingerprint, uniqueKey, group, label, workflowId };
  const times = { createdAfter, createdBefore, finishedAfter, finishedBefore };
  return searched(search, defined({ ...said, ...times }));
}

/** Nothing was found: was one of its names mistyped? */
export function refuseUnknown(session: Session, options: FilterFlags): Promise<void> {
  const { queue, name } = filterOf(options);
  return refuseUnknownQueue(session, queue, name);
}

const defined = (said: Record<string, unknown>): JobFilter =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));

/** Of two values the last one would hold, and nobody would learn of the first. */
const once =
  <Value>(parse: (text: string) => Value) =>
  (text: string, before?: Value): Value => {
    if (before !== undefined) throw new InvalidArgumentError('It is said twice.');
    return parse(text);
  };
const plain = once((text) => text);
const moment = once(parseMoment);

function states(text: string, before: JobState[] = []): JobState[] {
  try {
    return [...new Set([...before, ...statesOf(text)])];
  } catch (error) {
    const { message } = error as Error;
    throw new InvalidArgumentError(message.endsWith('?') ? message : `${message}.`);
  }
}
