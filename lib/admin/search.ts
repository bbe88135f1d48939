import { Ago } from '../runtime/ago.js';
import { DEAD_STATES, JOB_STATES, LIVE_STATES, type JobState } from '../job/job-state.js';
import { checkId, quote } from '../job/names.js';
import { parseDuration } from '../job/values/duration.js';
import { closestWord } from '../runtime/closest-word.js';
import { must } from '../runtime/rules.js';
import { refuse } from './checks.js';
import type { JobFilter } from './job-filter.js';
import { COMPARISONS, type FieldCondition } from './field-conditions.js';

/** Words for several states at once. */
const STATE_GROUPS: Readonly<Record<string, readonly JobState[]>> = {
  live: LIVE_STATES,
  dead: DEAD_STATES,
};
const STATE_WORDS = [...JOB_STATES, ...Object.keys(STATE_GROUPS)];

const DATE = /^\d{4}-\d\d-\d\d/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MOST_TEXT = 2_000;

const SEARCH = must(
  (value) => typeof value === 'string' && value.length <= MOST_TEXT,
  `a text of at most ${MOST_TEXT} characters`,
);

/** What a word says of jobs, or what is wrong with it. */
interface Said {
  said: Partial<JobFilter>;
  problem?: string;
}

/** What a word of a search says; it throws a text that says what it takes. */
type Reading = (value: string) => Partial<JobFilter>;

const textIn =
  (name: keyof JobFilter): Reading =>
  (value) => ({ [name]: value });

/** The words of a search, with what they take. A new one is a line here. */
const WORDS: Readonly<Record<string, { takes: string; read: Reading }>> = {
  queue: { takes: 'a name', read: textIn('queue') },
  name: { takes: 'the name of a handler', read: textIn('name') },
  state: { takes: `${STATE_WORDS.join(', ')}; several with commas`, read: (value) => ({ state: statesOf(value) }) }, // prettier-ignore
  id: { takes: 'a UUID', read: (value) => ({ id: checkId(value.toLowerCase()) }) },
  key: { takes: 'a unique key', read: textIn('uniqueKey') },
  tag: { takes: 'a fingerprint', read: textIn('fingerprint') },
  group: { takes: 'a group', read: textIn('group') },
  label: { takes: 'a label', read: textIn('label') },
  workflow: { takes: 'the id of a workflow', read: textIn('workflowId') },
  schedule: { takes: 'the name of a schedule', read: textIn('schedule') },
  worker: { takes: 'a worker, as host:pid', read: textIn('worker') },
  error: { takes: 'a part of the class or message of the last error', read: textIn('error') },
  'error-key': {
    takes: 'the key of a group of errors, for its dead letters',
    read: textIn('errorKey'),
  },
  since: { takes: 'a time, or how long ago: 2h, 7d, 2026-11-21T10:00:00Z', read: (value) => ({ since: momentOf(value) }) }, // prettier-ignore
  attempt: { takes: 'a number, with >, >=, < or <= before it if need be', read: attemptsOf },
};

/** What a search may be made of, for help and suggestions. */
export const SEARCH_WORDS: readonly { word: string; takes: string }[] = [
  ...Object.entries(WORDS).map(([word, { takes }]) => ({ word, takes })),
  ...['payload', 'output'].map((word) => ({ word: `${word}.<path>`, takes: 'a value, with =, !=, >, >=, < or <= before it if need be' })), // prettier-ignore
];

/**
 * A filter of a text such as `queue:mail state:dead error:timeout since:2h attempt:>2 payload.order.id:42`. All words narrow the choice.
 * A value with spaces is in quotes; an id needs no word. @throws QueueError `INVALID_OPTION` with all that is wrong.
 */
export function parseSearch(text: string): JobFilter {
  refuse('search', SEARCH(text, 'text'));
  const filter: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [word, value] of wordsOf(text)) {
    const { said, problem } = understood(word, value);
    const twice = Object.keys(said).filter((key) => key in filter && key !== 'where');
    if (problem) problems.push(problem);
    if (twice.length > 0) problems.push(`"${word}" is said twice`);
    const where = [...((filter.where ?? []) as FieldCondition[]), ...(said.where ?? [])];
    Object.assign(filter, said, where.length > 0 ? { where } : {});
  }
  refuse('search', problems);
  return filter;
}

/** What is said beside a search narrows the choice, too. @throws QueueError `INVALID_OPTION` where both say the same part: neither is meant to lose. */
export function searched(search: string, beside: JobFilter): JobFilter {
  const found = parseSearch(search);
  const given = Object.entries(beside).filter(([, value]) => value !== undefined);
  const twice = given.filter(([part]) => part in found);
  refuse(
    'search',
    twice.map(([part]) => `"${part}" is said twice, in the search and beside it`),
  );
  return { ...found, ...Object.fromEntries(given) };
}

/** Words with their values; quotes keep spaces together, and a backslash a quote. */
function wordsOf(text: string): [word: string, value: string][] {
  const words: [string, string][] = [];
  for (const [all, word, quoted, plain, rest] of text.matchAll(
    /([\w.-]+):(?:((?:[<>]=?|!?=)?"(?:\\.|[^"\\])*")|(\S*))|(\S+)/gu,
  ))
    // prettier-ignore
    words.push(word === undefined ? ['', rest ?? all] : [word, quoted ?? plain ?? '']);
  return words;
}

function understood(word: string, value: string): Said {
  const [head, ...path] = word.split('.');
  if (word === '') return alone(value);
  if ((head === 'payload' || head === 'output') && path.length > 0)
    return conditionOf(head, path, value);
  const known = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (!known) return { said: {}, problem: unknown(word) };
  const [plain, takes] = [unquoted(value), `"${word}:" takes ${known.takes}`];
  if (plain === '' && word !== 'name') return { said: {}, problem: takes };
  try {
    return { said: known.read(plain) };
  } catch (error) {
    return { said: {}, problem: `${takes}: ${(error as Error).message}` };
  }
}

function alone(value: string): Said {
  if (UUID.test(value)) return { said: { id: value.toLowerCase() } };
  const such = `such as error:${value.slice(0, 40)}`;
  return { said: {}, problem: `${quote(value)} has no word before it, ${such}` };
}

function unknown(word: string): string {
  const words = Object.keys(WORDS);
  const closest = closestWord(word.split('.')[0]!, [...words, 'payload', 'output']);
  const hint = closest
    ? `did you mean "${closest}${closest === 'payload' || closest === 'output' ? '.<path>' : ''}"?`
    : `it takes ${words.join(', ')}, payload.<path> and output.<path>`;
  return `${quote(word)} is not known (${hint})`;
}

const unquoted = (value: string): string =>
  /^".*"$/s.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : value;

/** Of `--state`, too. It throws what is wrong. */
export function statesOf(text: string): JobState[] {
  return [...new Set(text.split(',').flatMap((word) => STATE_GROUPS[word] ?? [stateOf(word)]))];
}

function stateOf(word: string): JobState {
  if (STATE_WORDS.includes(word)) return word as JobState;
  const closest = closestWord(word, STATE_WORDS);
  throw new Error(closest ? `Did you mean "${closest}"?` : `It takes ${STATE_WORDS.join(', ')}`);
}

function momentOf(text: string): Date {
  const date = DATE.test(text) ? new Date(text) : new Ago(parseDuration(text) ?? NaN);
  if (Number.isNaN(date.getTime())) throw new Error(`${quote(text)} is none`);
  return date;
}

function attemptsOf(text: string): Partial<JobFilter> {
  const [, sign = '=', digits] = /^([<>]=?|=)?(\d{1,9})$/.exec(text) ?? [];
  if (digits === undefined) throw new Error(`${quote(text)} is none`);
  const n = Number(digits);
  const bounds = { '=': { min: n, max: n }, '>': { min: n + 1 }, '>=': { min: n }, '<': { max: n - 1 }, '<=': { max: n } }; // prettier-ignore
  return { attempts: bounds[sign as keyof typeof bounds] };
}

function conditionOf(of: FieldCondition['of'], path: string[], value: string): Said {
  const comparison = COMPARISONS.find((sign) => value.startsWith(sign)) ?? '=';
  const given = value.startsWith(comparison) ? value.slice(comparison.length) : value;
  const where: FieldCondition = { of, path, comparison: comparison, value: unquoted(given) }; // prettier-ignore
  if (given === '' || path.includes(''))
    return { said: {}, problem: `"${of}.<path>:" takes a path and a value, such as ${of}.order.id:42` }; // prettier-ignore
  return { said: { where: [where] } };
}
