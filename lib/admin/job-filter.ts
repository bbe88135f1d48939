import type { CancelCounts } from '../job/enqueue-options.js';
import { JOB_STATES, isTerminal, LOST, type JobState } from '../job/job-state.js';
import { checkId, checkJobName, checkQueueName } from '../job/names.js';
import {
  callable,
  listOf,
  must,
  oneOf,
  passes,
  shape,
  whole,
  yesOrNo,
  type Rule,
} from '../runtime/rules.js';
import { moment, refuse, text } from './checks.js';
import { CONDITIONS, type FieldCondition } from './field-conditions.js';

/** Which jobs: each part that is given narrows the choice. */
export interface JobFilter {
  /** One state or several. */
  state?: JobState | JobState[];
  /** By name; patterns are not taken. */
  queue?: string;
  /** Which handler of the queue; `''` for jobs without a name. */
  name?: string;
  fingerprint?: string;
  uniqueKey?: string;
  /** A group of any queue, or of `queue`. */
  group?: string;
  /** Among the labels that a worker must have for them. */
  label?: string;
  workflowId?: string;
  id?: string;
  /** Made by the schedule of this name. */
  schedule?: string;
  /** Runs there, or ended there. */
  worker?: string;
  /** A part of class or message of the last error, in large or small letters. */
  error?: string;
  /** Dead letters of one group of `QueueAdmin.errors()`; what fails now and is tried again is none. */
  errorKey?: string;
  /** Ended after this moment, or has not ended and was created after it. */
  since?: Date;
  /** Ended before this moment, or has not ended and was created before it. */
  until?: Date;
  /** How many attempts were spent. */
  attempts?: { min?: number; max?: number };
  /** What parts of payload and output must be; nothing has an index for it. */
  where?: FieldCondition[];
  /** From this moment on, by the database's clock. */
  createdAfter?: Date;
  /** Before this moment. */
  createdBefore?: Date;
  /** For ended jobs: when they ended. */
  finishedAfter?: Date;
  /** For ended jobs: that ended before this moment. */
  finishedBefore?: Date;
}

/** Which page of a list. */
export interface JobPage {
  /** Jobs of one page, 1 to 500; default 50. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
}

/** Of commands that work in batches. */
interface InBatches<Counts> {
  /** Count, and change nothing. */
  dryRun?: boolean;
  /** Ends it behind the batch that is under way; the answer says how far it came. */
  signal?: AbortSignal;
  /** Told after each batch how far it has come; the next one waits for it, and does not follow where it throws. */
  onBatch?: (soFar: Counts) => unknown;
}

/** `keyTaken` were left where they are because a live job holds their unique key; `gone` were revived or purged by others meanwhile. */
export interface RedriveCounts {
  revived: number;
  keyTaken: number;
  gone: number;
  /** Ended steps of workflows that are kept, if there are any: retry their workflows. */
  steps?: number;
}

/** `left` fitted the filter, and began to run or went elsewhere before they could be deleted. */
export interface PurgeCounts {
  purged: number;
  left: number;
}

/** How far a redrive goes, and how it is watched. */
export interface RedriveOptions extends InBatches<RedriveCounts> {
  /** Revive no more than this many; default: all. */
  limit?: number;
}

/** How a cancel of many is tried, watched and ended. */
export type CancelOptions = InBatches<CancelCounts>;

/** How a purge is tried, watched and ended. */
export type PurgeOptions = InBatches<PurgeCounts>;

/** A filter without mistakes, as lists take it. */
export type CheckedFilter = Omit<JobFilter, 'state'> & { states?: readonly JobState[] };

const STATE = oneOf(...JOB_STATES);

const MOST_ATTEMPTS = 1_000_000_000;

const FILTER = shape({
  state: (value, path) => (Array.isArray(value) ? listOf(STATE) : STATE)(value, path),
  queue: passes(checkQueueName),
  name: passes(checkJobName),
  fingerprint: text,
  uniqueKey: text,
  group: text,
  label: text,
  workflowId: text,
  id: passes(checkId),
  schedule: text,
  worker: text,
  error: text,
  errorKey: text,
  since: moment,
  until: moment,
  attempts: shape({ min: whole(0, MOST_ATTEMPTS), max: whole(0, MOST_ATTEMPTS) }),
  where: CONDITIONS,
  createdAfter: moment,
  createdBefore: moment,
  finishedAfter: moment,
  finishedBefore: moment,
} satisfies Record<keyof JobFilter, Rule>);

const PAGE = shape({ limit: whole(1, 500), after: text } satisfies Record<keyof JobPage, Rule>);

const abortSignal = must((value) => value instanceof AbortSignal, 'an AbortSignal');

const IN_BATCHES = { dryRun: yesOrNo, signal: abortSignal, onBatch: callable } satisfies Record<
  keyof InBatches<never>,
  Rule
>;

const REDRIVE = shape({ limit: whole(1, 2 ** 31 - 1), ...IN_BATCHES } satisfies Record<
  keyof RedriveOptions,
  Rule
>);

const CANCEL = shape(IN_BATCHES satisfies Record<keyof CancelOptions, Rule>);

const PURGE = shape(IN_BATCHES satisfies Record<keyof PurgeOptions, Rule>);

/** @throws QueueError `INVALID_OPTION` with all that is wrong; `command` says in whose call. */
export function checkFilter(command: string, filter: JobFilter): CheckedFilter {
  refuse(command, FILTER(filter, 'filter'));
  refuse(command, contradictions(filter));
  const { state, ...rest } = filter;
  const states = state === undefined ? undefined : [...new Set([state].flat())];
  return { ...rest, ...(rest.id === undefined ? {} : { id: checkId(rest.id) }), states };
}

export function checkGroup(command: string, group: string): string {
  refuse(command, text(group, 'group'));
  return group;
}

export function checkPage(page: JobPage): JobPage {
  refuse('jobs', PAGE(page, 'page'));
  return page;
}

/** What has not ended cannot be revived; without a state it is what failed that is meant. */
export function checkRedrive(filter: JobFilter, options: RedriveOptions): void {
  refuse('redrive', FILTER(filter, 'filter'));
  const live = [filter.state ?? []].flat().filter((state) => !isTerminal(state) && state !== LOST);
  const problem = `filter.state: "${live.join('", "')}" is not ended, and only ended or lost jobs can be revived`;
  refuse('redrive', [...(live.length > 0 ? [problem] : []), ...REDRIVE(options, 'options')]);
}

/** What runs is cancelled, not purged. */
export function checkPurge(filter: JobFilter, options: PurgeOptions): void {
  refuse('purge', FILTER(filter, 'filter'));
  const problems = [...PURGE(options, 'options'), ...emptiness(filter, 'delete')];
  if ([filter.state].flat().includes('running'))
    problems.push('filter.state: "running" jobs are never purged; cancel them');
  refuse('purge', problems);
}

/** Only what lives can be cancelled. */
export function checkCancel(filter: JobFilter, options: CancelOptions): void {
  refuse('cancel', FILTER(filter, 'filter'));
  const ended = [filter.state ?? []].flat().filter(isTerminal);
  const problem = `filter.state: "${ended.join('", "')}" has ended, and only live jobs can be cancelled`;
  const times =
    (filter.finishedAfter ?? filter.finishedBefore)
      ? ['filter.finishedAfter and finishedBefore are for ended jobs']
      : [];
  refuse('cancel', [
    ...CANCEL(options, 'options'),
    ...emptiness(filter, 'end'),
    ...(ended.length > 0 ? [problem] : []),
    ...times,
  ]);
}

/** An empty filter means everything, which nobody should touch by mistake. */
function emptiness(filter: JobFilter, verb: string): string[] {
  if (Object.values(filter).some((value) => value !== undefined)) return [];
  return [
    `the filter is empty, and would ${verb} every job. Name a queue, a state or another part of it`,
  ];
}

function contradictions(filter: JobFilter): string[] {
  const { state, finishedAfter, finishedBefore } = filter;
  const states = state === undefined ? [] : [state].flat();
  const wantsLive = states.length > 0 && !states.some(isTerminal);
  const empty = SPANS.filter(([after, before]) => isEmpty(filter[after], filter[before]));
  return [
    ...empty.map(([after, before]) => `filter.${after} must be before filter.${before}`),
    ...(wantsLive && (finishedAfter ?? finishedBefore) !== undefined
      ? [
          `filter.finishedAfter and finishedBefore are for ended jobs, not for "${states.join('", "')}"`,
        ]
      : []),
  ];
}

const SPANS = [
  ['createdAfter', 'createdBefore'],
  ['finishedAfter', 'finishedBefore'],
  ['since', 'until'],
] as const;

const isEmpty = (after?: Date, before?: Date): boolean =>
  after !== undefined && before !== undefined && after >= before;
