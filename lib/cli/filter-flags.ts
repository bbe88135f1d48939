import { InvalidArgumentError, type Command } from 'commander';
import type { JobFilter } from '../admin/job-filter.js';
import { parseSearch, statesOf } from '../admin/search.js';
import { JOB_STATES, type JobState } from '../job/job-state.js';
import { parseMoment } from './times.js';

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
    .option('--search <words>', 'such as "error:timeout attempt:>2 payload.order.id:42"')
    .option('--queue <queue>', 'jobs of this queue')
    .option('--name <name>', 'jobs for this handler of the queue')
    .option('--fingerprint <tag>', 'jobs with this fingerprint')
    .option('--unique-key <key>', 'jobs with this unique key')
    .option('--group <group>', 'jobs of this group')
    .option('--label <label>', 'jobs for workers with this label, and perhaps others')
    .option('--workflow <id>', 'jobs of this workflow')
    .option(
      '--created-after <time>',
      'a time (2026-11-21T10:00:00Z), or how long ago (30min, 2h, 7d)',
      parseMoment,
    )
    .option('--created-before <time>', 'the same', parseMoment)
    .option('--finished-after <time>', 'the same, of ended jobs', parseMoment)
    .option('--finished-before <time>', 'the same, of ended jobs', parseMoment);
}

/** The filter among the options of a command, or in a search. What both say is the option's. */
export function filterOf(options: FilterFlags): JobFilter {
  const { state, queue, name, fingerprint, uniqueKey, group, label, search = '' } = options;
  const { createdAfter, createdBefore, finishedAfter, finishedBefore } = options;
  const workflowId = options.workflow;
  const said = { state, queue, name, fingerprint, uniqueKey, group, label, workflowId };
  const times = { createdAfter, createdBefore, finishedAfter, finishedBefore };
  const given = Object.entries({ ...said, ...times }).filter(([, value]) => value !== undefined);
  return { ...parseSearch(search), ...Object.fromEntries(given) };
}

function states(text: string, before: JobState[] = []): JobState[] {
  try {
    return [...new Set([...before, ...statesOf(text)])];
  } catch (error) {
    const { message } = error as Error;
    throw new InvalidArgumentError(message.endsWith('?') ? message : `${message}.`);
  }
}
