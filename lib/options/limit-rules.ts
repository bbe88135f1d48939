import type { LimitRule, PerKeyRule, QueueLimitRule, RateLimit } from '../job/limit.js';
import { QueueError } from '../job/queue.errors.js';
import { closestWord } from '../runtime/closest-word.js';
import { must, shape, whole, yesOrNo, type Rule } from '../runtime/rules.js';
import { duration } from './handler-rules.js';
import { DAY_MS } from '../job/values/duration.js';

const MOST = 1_000_000;

const rateShape = shape(
  {
    limit: whole(1, MOST),
    perMs: duration(10, DAY_MS),
    burst: whole(1, MOST),
    strict: yesOrNo,
  } satisfies Record<keyof RateLimit, Rule>,
  ['limit', 'perMs'],
);

/** A burst is what strict excludes. */
const withoutBurst: Rule = (rate, path) =>
  !(rate as RateLimit).strict || (rate as RateLimit).burst === undefined
    ? []
    : [
        `${path} must be strict or have a burst, and not both: a strict rate spaces its starts evenly`,
      ];

const rate: Rule = (value, path) => {
  const problems = rateShape(value, path);
  return problems.length > 0 ? problems : withoutBurst(value, path);
};

const ruleShape = shape({ concurrency: whole(1, MOST), rate } satisfies Record<
  keyof LimitRule,
  Rule
>);
const saysSomething = must(
  (rule) => (rule as LimitRule).concurrency !== undefined || (rule as LimitRule).rate !== undefined,
  'an object with concurrency, rate or both',
);

/** A named limit. */
export const limitRule: Rule = (value, path) => {
  const problems = ruleShape(value, path);
  return problems.length > 0 ? problems : saysSomething(value, path);
};

const MOST_OF_A_KEY = 10_000;
const byKey = must(
  (by) =>
    (typeof by === 'string' && by.length <= 200 && !by.split('.').includes('')) ||
    typeof by === 'function',
  'the name of a member of the payload, a path to one such as tenant.id, or a function of the payload',
);
const rateOfKey: Rule = (value, path) => {
  const problems = rate(value, path);
  return problems.length > 0 || !(value as RateLimit).strict
    ? problems
    : [
        `${path} cannot be strict: a key's jobs get their permits at its rate, and start as soon as a worker has room`,
      ];
};
const ofKey = { concurrency: whole(1, MOST_OF_A_KEY), rate: rateOfKey };
const perKeyShape = shape({ by: byKey, ...ofKey } satisfies Record<keyof PerKeyRule, Rule>, ['by']);

/** A limit for each key of a queue. */
export const perKeyRule: Rule = (value, path) => {
  const problems = perKeyShape(value, path);
  return problems.length > 0 ? problems : saysSomething(value, path);
};

/** Among the settings of a queue. */
export const QUEUE_LIMIT_RULES = { fleetConcurrency: whole(1, MOST), rate } satisfies Record<
  keyof QueueLimitRule,
  Rule
>;

const orNull =
  (rule: Rule): Rule =>
  (value, path) =>
    value === null ? [] : rule(value, path);

const changeShape = shape({
  fleetConcurrency: orNull(whole(1, MOST)),
  concurrency: orNull(whole(1, MOST)),
  rate: orNull(rate),
  perKey: shape({ concurrency: orNull(ofKey.concurrency), rate: orNull(rateOfKey) }),
});
/** Of a queue, or of each key: a part that says nothing would be set by nobody's word. */
const changesSomething: Rule = (change, path) => {
  const { perKey } = change as { perKey?: object };
  const isSaid = (part: object): boolean =>
    Object.values(part).some((value) => value !== undefined);
  if (isSaid(change as object) && (perKey === undefined || isSaid(perKey))) return [];
  return [
    `${path} says nothing: give fleetConcurrency or concurrency, rate, or perKey with concurrency or rate`,
  ];
};

/** What an operator changes; null takes a part away. */
export const limitChange: Rule = (value, path) => {
  const problems = changeShape(value, path);
  return problems.length > 0 ? problems : changesSomething(value, path || 'the change');
};

/** `said`: who names it. */
export function unknownLimit(said: string, name: string, known: readonly string[]): QueueError {
  const closest = closestWord(name, known);
  const hint = closest ? ` Did you mean "${closest}"?` : '';
  return new QueueError(
    'LIMIT_UNKNOWN',
    `${said}, and no limit has this name.${hint} Declare it in forRoot({ limits: { ... } }); that of a queue is for its jobs alone.`,
  );
}
