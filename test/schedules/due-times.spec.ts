import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { calendarOf } from '../../lib/schedules/calendar/calendar.js';
import { dueSteps, type Step } from '../../lib/schedules/due-times.js';
import { specOf, type StoredSpec } from '../../lib/schedules/stored-spec.js';
import type { ScheduleCatchUp } from '../../lib/job/schedule.js';

const START = Date.UTC(2026, 2, 28);
const MINUTE_MS = 60_000;
const PATTERNS = ['* * * * *', '*/7 * * * *', '0 */3 * * *', '30 2 * * *', '0 0 * * SUN'];

const plans = fc.record({
  cron: fc.constantFrom(...PATTERNS),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
  catchUp: fc.constantFrom<ScheduleCatchUp>('none', 'once', 'all'),
  behindMs: fc.integer({ min: 0, max: 5 * 24 * 60 * MINUTE_MS }),
});

function planOf({
  cron,
  timeZone,
  catchUp,
}: {
  cron: string;
  timeZone: string;
  catchUp: ScheduleCatchUp;
}) {
  const spec = specOf({ cron, timeZone, catchUp }) as StoredSpec;
  return { spec, calendar: calendarOf(spec) };
}

const isMade = ({ missed }: Step): boolean => missed === undefined;

describe('what becomes of times that have come', () => {
  it('is one chain from the first to the next one ahead, within its bounds', () => {
    fc.assert(
      fc.property(plans, (given) => {
        const plan = planOf(given);
        const from = plan.calendar.next(START)!;
        const now = from + given.behindMs;
        const steps = dueSteps(plan, from, now);
        expect(steps[0]!.at).toBe(from);
        steps.forEach((step, index) => {
          const next = steps[index + 1];
          expect(step.next).toBe(next ? next.at : plan.calendar.next(now));
          if (next) expect(next.at).toBeGreaterThan(step.at);
        });
        const made = steps.filter(isMade);
        expect(made.length).toBeLessThanOrEqual(100 + 2);
        for (const { at } of made) expect(plan.calendar.next(at - 1)).toBe(at);
        if (given.catchUp === 'none')
          expect(made.every(({ at }) => at > now - MINUTE_MS)).toBe(true);
        if (given.catchUp === 'once') expect(made.length).toBeGreaterThan(0);
        expect(steps.filter((step) => !isMade(step)).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  it('misses none of the time that a test skips, however many come in it', () => {
    const plan = planOf({ cron: '0 * * * *', timeZone: 'UTC', catchUp: 'once' });
    const now = START + 1_440 * 60 * MINUTE_MS;
    const made: number[] = [];
    for (let from = plan.calendar.next(START); from !== undefined && from <= now;) {
      const steps = dueSteps(plan, from, now, Infinity);
      made.push(...steps.filter(isMade).map(({ at }) => at));
      from = steps.at(-1)!.next;
    }
    expect(new Set(made).size).toBe(1_440);
  });

  it('makes each time once, whoever looks, is frozen and goes on, or dies between two steps', () => {
    // A process reads the row, is held up, and then moves the row on where it still finds what it has read.
    const looks = fc.array(
      fc.record({
        process: fc.nat(3),
        passMs: fc.integer({ min: 0, max: 30 * MINUTE_MS }),
        looks: fc.boolean(),
        steps: fc.nat(40),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...PATTERNS.slice(0, 3)), looks, (cron, moves) => {
        const plan = planOf({ cron, timeZone: 'Europe/Berlin', catchUp: 'all' });
        const row = { next: plan.calendar.next(START) };
        const made: number[] = [];
        const read = new Map<number, Step[]>();
        const take = (step: Step): boolean => {
          if (row.next !== step.at) return false;
          row.next = step.next;
          if (isMade(step)) made.push(step.at);
          return true;
        };
        let now = START;
        for (const { process, passMs, looks, steps } of [
          ...moves,
          { process: 0, passMs: 0, looks: true, steps: 1e9 },
        ]) {
          now += passMs;
          if (looks) read.set(process, row.next! <= now ? dueSteps(plan, row.next!, now) : []);
          for (const step of (read.get(process) ?? []).slice(0, steps)) if (!take(step)) break;
        }
        const expected: number[] = [];
        for (let at = plan.calendar.next(START)!; at <= now; at = plan.calendar.next(at)!)
          expected.push(at);
        expect(new Set(made).size).toBe(made.length);
        expect(made).toEqual(made.toSorted((a, b) => a - b));
        // What is left out was beyond the 100 of a catch-up, or older than a day.
        if (now - START < 100 * MINUTE_MS) expect(made).toEqual(expected);
        expect(row.next).toBe(plan.calendar.next(now));
      }),
      { numRuns: 300 },
    );
  });
});
