import { InvalidArgumentError, type Command } from 'commander';
import type { JobFilter } from '../admin/job-filter.js';
import {
  JOB_STATES,
  KEPT_IN,
  LIVE_STATES,
  TERMINAL_STATES,
  type JobState,
} from '../job/job-state.js';
import { closestWord } from '../runtime/closest-word.js';
import { parseMoment } from './times.js';

/** Words for several states at once. */
const GROUPS: Readonly<Record<string, readonly JobState[]>> = {
  live: LIVE_STATES,
  dead: TERMINAL_STATES.filter((state) => KEPT_IN[state] === 'dead_letter'),
};

const WORDS = [...JOB_STATES, ...Object.keys(GROUPS)];

/** Adds the parts of a filter to a command: each narrows the choice. */
export function addFilter(command: Command): Command {
  return command
    .option(
      '--state <states>',
      `${JOB_STATES.join(', ')}; live or dead for all such; several with commas`,
      states,
    )
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

/** A filter as flags, among others of a command. */
export interface FilterFlags extends Omit<JobFilter, 'workflowId'> {
  workflow?: string;
}

/** The filter among the options of a command. */
export function filterOf(options: FilterFlags): JobFilter {
  const {
    state,
    queue,
    name,
    fingerprint,
    uniqueKey,
    group,
    label,
    workflow: workflowId,
    createdAfter,
    createdBefore,
    finishedAfter,
    finishedBefore,
  } = options;
  return {
    state,
    queue,
    name,
    fingerprint,
    uniqueKey,
    group,
    label,
    workflowId,
    createdAfter,
    createdBefore,
    finishedAfter,
    finishedBefore,
  };
}

function states(text: string, before: JobState[] = []): JobState[] {
  const given = text.split(',').flatMap((word) => GROUPS[word] ?? [known(word)]);
  return [...new Set([...before, ...given])];
}

function known(word: string): JobState {
  if (WORDS.includes(word)) return word as JobState;
  const closest = closestWord(word, WORDS);
  throw new InvalidArgumentError(
    closest ? `Did you mean "${closest}"?` : `It takes ${WORDS.join(', ')}.`,
  );
}
