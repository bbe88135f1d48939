import { describe, expect, it } from '@jest/globals';
import {
  checkFilter,
  checkPage,
  checkPurge,
  checkRedrive,
  type JobFilter,
} from '../../lib/admin/job-filter.js';

const EARLY = new Date('2026-01-01T00:00:00Z');
const LATE = new Date('2026-02-01T00:00:00Z');

const refused = (check: () => unknown): string => {
  try {
    check();
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('a filter', () => {
  it('is let in as it is, its states as a list without repeats', () => {
    const filter = {
      queue: 'mail',
      name: '',
      uniqueKey: 'k',
      createdAfter: EARLY,
      createdBefore: LATE,
    } as const;
    expect(checkFilter('jobs', { ...filter, state: 'ready' })).toEqual({
      ...filter,
      states: ['ready'],
    });
    expect(checkFilter('jobs', { state: ['failed', 'ready', 'failed'] })).toEqual({
      states: ['failed', 'ready'],
    });
    expect(checkFilter('jobs', {})).toEqual({ states: undefined });
    const id = '018f0000-0000-7000-8000-00000000abcd';
    expect(checkFilter('jobs', { id: id.toUpperCase() })).toEqual({ id, states: undefined });
    expect(checkFilter('jobs', { state: ['ready', 'failed'], finishedAfter: EARLY })).toMatchObject(
      { finishedAfter: EARLY },
    );
  });

  it.each([
    ['an unknown key', { stat: 'ready' }, 'filter.stat is not known (did you mean "state"?)'],
    ['an unknown state', { state: 'waiting' }, 'filter.state must be "'],
    ['an unknown state in a list', { state: ['ready', 7] }, 'filter.state[1] must be "'],
    [
      'an empty list of states',
      { state: [] },
      'filter.state must be a list with at least one item',
    ],
    ['a bad queue name', { queue: 'a b' }, 'filter.queue: "a b" is not a queue name'],
    ['a bad job name', { name: 7 }, 'filter.name: number is not a job name'],
    [
      'a text with U+0000',
      { fingerprint: 'a\0' },
      'filter.fingerprint must be 1 to 512 characters',
    ],
    ['an empty text', { uniqueKey: '' }, 'filter.uniqueKey must be 1 to 512 characters'],
    ['a time as text', { createdAfter: '2026-01-01' }, 'filter.createdAfter must be a valid Date'],
    [
      'no time at all',
      { finishedBefore: new Date('never') },
      'filter.finishedBefore must be a valid Date',
    ],
    [
      'times the wrong way round',
      { createdAfter: LATE, createdBefore: EARLY },
      'createdAfter must be before',
    ],
    [
      'ends the wrong way round',
      { finishedAfter: LATE, finishedBefore: LATE },
      'finishedAfter must be before',
    ],
    ['no time between', { since: LATE, until: EARLY }, 'since must be before filter.until'],
    [
      'the end of what has not ended',
      { state: ['ready', 'running'], finishedAfter: EARLY },
      'are for ended jobs',
    ],
    ['no object', 'mail', 'filter must be an object'],
    ['null', null, 'filter must be an object'],
  ])('is refused with %s', (_, filter, problem) => {
    expect(refused(() => checkFilter('jobs', filter as JobFilter))).toContain(`jobs: `);
    expect(refused(() => checkFilter('jobs', filter as JobFilter))).toContain(problem);
  });

  it('is told everything at once', () => {
    expect(refused(() => checkFilter('jobs', { queue: '', fingerprint: '' }))).toMatch(
      /queue.*fingerprint/,
    );
  });
});

it.each([
  { limit: 0 },
  { limit: 501 },
  { limit: 1.5 },
  { after: '' },
  { after: 7 },
  { page: 2 },
  null,
])('a page is refused: %j', (page) => void refused(() => checkPage(page as never)));

it('redrive takes ended states alone, and its own options', () => {
  expect(() =>
    checkRedrive({ state: ['failed', 'succeeded'] }, { limit: 5, dryRun: true }),
  ).not.toThrow();
  expect(refused(() => checkRedrive({ state: ['failed', 'ready'] }, {}))).toContain(
    '"ready" is not ended',
  );
  expect(refused(() => checkRedrive({}, { limit: 0 }))).toContain(
    'options.limit must be a whole number',
  );
  expect(refused(() => checkRedrive({}, { dry: true } as never))).toContain(
    'options.dry is not known',
  );
});

it('purge takes no empty filter, and never what runs', () => {
  expect(() => checkPurge({ queue: 'mail' }, { dryRun: true })).not.toThrow();
  expect(refused(() => checkPurge({}, {}))).toContain('the filter is empty');
  expect(refused(() => checkPurge({ queue: undefined }, {}))).toContain('the filter is empty');
  expect(refused(() => checkPurge({ state: ['ready', 'running'] }, {}))).toContain('never purged');
  expect(refused(() => checkPurge({ queue: 'mail' }, { dryRun: 'yes' } as never))).toContain(
    'options.dryRun must be true or false',
  );
});
