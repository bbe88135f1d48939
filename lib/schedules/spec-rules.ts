import { types } from 'node:util';
import type {
  DaylightSavingRule,
  DeclaredSchedule,
  NewSchedule,
  ScheduleRule,
} from '../job/schedule.js';
import { LAST_DATE } from '../job/job-result.js';
import { quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { DAY_MS, MINUTE_MS, inMs } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';
import { must, oneOf, shape, type Rule } from '../runtime/rules.js';

/** What a pattern and a zone must be, the calendar says. */
const anything: Rule = () => [];

const date = must(
  (value) => types.isDate(value) && value.getTime() >= 0 && value.getTime() <= LAST_DATE,
  'a valid Date from 1970 to 9999',
);

const daylightSaving = shape({
  skipped: oneOf('after', 'skip'),
  repeated: oneOf('first', 'both'),
} satisfies Record<keyof DaylightSavingRule, Rule>);

const RULES = {
  cron: anything,
  everyMs: duration(1_000, 366 * DAY_MS),
  timeZone: anything,
  daylightSaving,
  overlap: oneOf('allow', 'skip', 'queue', 'cancel'),
  catchUp: oneOf('none', 'once', 'all'),
  catchUpWithinMs: duration(MINUTE_MS, 30 * DAY_MS),
  jitterMs: duration(0, DAY_MS),
  startAt: date,
  endAt: date,
} satisfies Record<keyof ScheduleRule, Rule>;

/** Checked where the jobs are: by the rules of an enqueue. */
const JOBS = { payload: anything, job: anything };

const KINDS = {
  put: shape({ ...RULES, ...JOBS, target: anything } satisfies Record<keyof NewSchedule, Rule>),
  preview: shape(RULES),
  '@QueueSchedule': shape({ ...RULES, ...JOBS, name: anything } satisfies Record<
    keyof DeclaredSchedule,
    Rule
  >),
};

/** @throws QueueError `INVALID_OPTION` with all that is wrong, `SCHEDULE_PATTERN_INVALID` where it does not say when. */
export function checkRules(given: unknown, call: keyof typeof KINDS, which: string): void {
  // Its own durations, and nothing within: a payload is the caller's.
  const problems = KINDS[call](inMs(given, 1), '');
  if (problems.length > 0)
    throw new QueueError(
      'INVALID_OPTION',
      `${call}: ${which} cannot be kept:\n- ${problems.join('\n- ')}`,
    );
  const { cron, everyMs, startAt, endAt, catchUp, catchUpWithinMs } = given as ScheduleRule;
  if ((cron === undefined) === (everyMs === undefined)) {
    const message = `${call}: ${which} must say when it runs: give either cron or everyMs.`;
    throw new QueueError('SCHEDULE_PATTERN_INVALID', message);
  }
  if (startAt && endAt && startAt >= endAt)
    throw new QueueError('SCHEDULE_NEVER_RUNS', `${call}: ${which} ends before it starts.`);
  if (catchUpWithinMs !== undefined && catchUp !== 'all')
    throw new QueueError(
      'INVALID_OPTION',
      `${call}: ${which} gives catchUpWithinMs, which belongs to catchUp: 'all'.`,
    );
}

const NAME = /^[^\p{Cc}]{1,200}$/u;

/** A name is bound, never text; what cannot be seen is refused, since operators type it. @throws QueueError `INVALID_NAME` */
export function checkScheduleName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name) && name.isWellFormed() && name.trim() === name)
    return name;
  throw new QueueError(
    'INVALID_NAME',
    `${quote(name)} is not the name of a schedule. Use 1 to 200 visible characters.`,
  );
}
