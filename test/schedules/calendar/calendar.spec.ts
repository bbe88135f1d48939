import { describe, expect, it } from '@jest/globals';
import { calendarOf, type Timetable } from '../../../lib/schedules/calendar/calendar.js';
import { changesOf, compareAround, emptyTally, PATTERNS } from './acceptance.js';

const RULE = { skipped: 'after', repeated: 'first' } as const;
const tableOf = (cron: string, timeZone: string, given: Partial<Timetable> = {}): Timetable => ({
  cron,
  timeZone,
  daylightSaving: RULE,
  ...given,
});

function times(table: Timetable, from: string, count: number): string[] {
  const calendar = calendarOf(table);
  const found: string[] = [];
  let at = calendar.next(Date.parse(from) - 1);
  for (; at !== undefined && found.length < count; at = calendar.next(at))
    found.push(new Date(at).toISOString().slice(0, 16));
  return found;
}

describe('a calendar', () => {
  // All zones, all changes of ten years: compare-all.mjs, with its figures in docs/reference/reliability.md.
  it.each([
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Pacific/Chatham',
    'America/Nuuk',
    'Africa/Casablanca',
  ])('loses and doubles nothing where the clocks of %s change, by either rule', (zone) => {
    const tally = emptyTally();
    const some = PATTERNS.filter((_, index) => index % 9 === 0);
    for (const change of changesOf(zone, 2026, 2026)) {
      compareAround(zone, change, RULE, some, tally);
      compareAround(zone, change, { skipped: 'skip', repeated: 'both' }, some, tally);
    }
    expect(tally).toMatchObject({ changes: 4, lost: [], doubled: [] });
  });

  it('runs what the clocks skip at the first moment after it, once for all that they skip', () => {
    const night = ['2026-03-29T01:00', '2026-03-30T00:30', '2026-03-31T00:30'];
    expect(times(tableOf('30 2 * * *', 'Europe/Berlin'), '2026-03-29T00:00Z', 3)).toEqual(night);
    expect(times(tableOf('0,15,30,45 2 29 3 *', 'Europe/Berlin'), '2026-03-29T00:00Z', 2)).toEqual([
      '2026-03-29T01:00',
      '2027-03-29T00:00',
    ]);
    const skipping = { daylightSaving: { skipped: 'skip', repeated: 'first' } as const };
    expect(times(tableOf('30 2 * * *', 'Europe/Berlin', skipping), '2026-03-29T00:00Z', 1)).toEqual(
      ['2026-03-30T00:30'],
    );
  });

  it('runs what comes twice at its first, or at both', () => {
    const both = { daylightSaving: { skipped: 'after', repeated: 'both' } as const };
    const from = '2026-10-24T22:00Z';
    expect(times(tableOf('30 2 * * *', 'Europe/Berlin'), from, 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
    expect(times(tableOf('30 2 * * *', 'Europe/Berlin', both), from, 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-25T01:30',
    ]);
  });

  it('goes by real time where a pattern steps: no storm in spring, no rest in autumn', () => {
    expect(times(tableOf('*/30 * * * *', 'Europe/Berlin'), '2026-03-29T00:00Z', 5)).toEqual(
      ['00:00', '00:30', '01:00', '01:30', '02:00'].map((time) => `2026-03-29T${time}`),
    );
    expect(times(tableOf('*/30 * * * *', 'Europe/Berlin'), '2026-10-25T00:00Z', 5)).toEqual(
      ['00:00', '00:30', '01:00', '01:30', '02:00'].map((time) => `2026-10-25T${time}`),
    );
  });

  it('knows two changes within a week', () => {
    expect(times(tableOf('0 12 6-16/5 10 *', 'America/Recife'), '2000-10-01T00:00Z', 3)).toEqual([
      '2000-10-06T15:00',
      '2000-10-11T14:00',
      '2000-10-16T15:00',
    ]);
  });

  it('counts steps from their start, or alike in every process', () => {
    const steps = { everyMs: 900_000, timeZone: 'UTC', daylightSaving: RULE };
    expect(times(steps, '2026-11-28T10:01Z', 2)).toEqual(['2026-11-28T10:15', '2026-11-28T10:30']);
    const startAt = Date.parse('2026-11-28T10:05Z');
    expect(times({ ...steps, startAt }, '2026-11-28T09:00Z', 2)).toEqual([
      '2026-11-28T10:05',
      '2026-11-28T10:20',
    ]);
  });

  it('has a start, which counts, and an end, which does not', () => {
    const bounds = { startAt: Date.parse('2026-01-02Z'), endAt: Date.parse('2026-01-04Z') };
    expect(times(tableOf('@daily', 'UTC', bounds), '2025-01-01Z', 5)).toEqual([
      '2026-01-02T00:00',
      '2026-01-03T00:00',
    ]);
  });

  it.each([
    ['0 0 L * *', '2026-01-31T00:00'],
    ['0 0 15W * *', '2026-01-15T00:00'],
    ['0 0 * * FRI#3', '2026-01-16T00:00'],
    ['0 0 * * 5L', '2026-01-30T00:00'],
    ['0 0 29 2 *', '2028-02-29T00:00'],
    ['30 0 0 1 1 *', '2026-01-01T00:00'],
    ['@weekly', '2026-01-04T00:00'],
    ['0 0 1 jan-mar mon', '2026-01-01T00:00'],
  ])('knows %s', (pattern, first) => {
    expect(times(tableOf(pattern, 'UTC'), '2026-01-01Z', 1)).toEqual([first]);
  });

  it.each([
    '1--100000000 * * * *',
    `${'1,'.repeat(100_000)}1 * * * *`,
    `${'* '.repeat(100_000)}`,
    '*/999999999 * * * *',
    '0-99999999999999999999 * * * *',
    '1e9 * * * *',
    '* * * * * * *',
    '@every 5m',
    '\u0000 * * * *',
    '٠ ٠ * * *',
  ])('refuses a hostile pattern before it is walked: %#', (pattern) => {
    expect(() => calendarOf(tableOf(pattern, 'UTC'))).toThrow(
      expect.objectContaining({ code: 'SCHEDULE_PATTERN_INVALID' }),
    );
  });

  it('says where there is no next time, however far it has to look', () => {
    expect(times(tableOf('0 0 31 2 *', 'Europe/Berlin'), '2026-01-01Z', 1)).toEqual([]);
    expect(times(tableOf('0 0 31 4,6,9,11 *', 'UTC'), '2026-01-01Z', 1)).toEqual([]);
  });
});
