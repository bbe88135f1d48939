import { DRAWN_AHEAD_MS } from '../../job/limit.js';

/**
 * A bucket is one time, at which it will be full again (GCRA): each start moves it on by the spacing. Nothing is counted, so nothing leaks. A time
 * further away than anything that may have been drawn is of a clock that was set back since: one may start, and the spacing holds from there.
 */
const NOW = 'statement_timestamp()';
const MS = `interval '1 millisecond'`;

/** The bucket as it is now. */
const FULL_AT = `case when next_at > ${NOW} + (burst * step_ms + ${2 * DRAWN_AHEAD_MS}) * ${MS}
      then ${NOW} + (burst - 1) * step_ms * ${MS} else greatest(${NOW}, next_at) end`;

/** The bucket of row `l` under the rule that takes its place: as many starts are owed, each by the new spacing. */
export const CARRIED_OVER = `${NOW} + coalesce(greatest(0, extract(epoch from l.next_at - ${NOW})) * 1000 / l.step_ms * excluded.step_ms, 0) * ${MS}`;

/** Milliseconds until the first start would conform; below 0: so many are free at once. */
export const FIRST_MS = `(extract(epoch from ${FULL_AT} - ${NOW}) * 1000)::float8 - (burst - 1) * step_ms`;

/** So many starts conform within the next `aheadMs`. */
export const fitting = (aheadMs: number | string): string =>
  `greatest(0, floor((${aheadMs} - (${FIRST_MS})) / step_ms + 1.000001))::int`;

/** The bucket after `starts` of them. */
export const after = (starts: string): string => `${FULL_AT} + (${starts}) * step_ms * ${MS}`;

/** Nobody has said that it must rest. */
export const IS_OPEN = `(held_until is null or held_until <= ${NOW})`;

/** Milliseconds that it must rest. */
export const HELD_MS = `greatest(0, extract(epoch from held_until - ${NOW}) * 1000)::float8`;
