import { checkBackoff } from '../job/backoff.js';
import type { ConcurrencyRange } from '../job/values/concurrency.js';
import type {
  AttemptPolicy,
  BatchOptions,
  HandleJobOptions,
  QueueHandlerOptions,
} from '../job/job-handler.js';
import { DAY_MS, DURATION_FORMS } from '../job/values/duration.js';
import { checkQueueName } from '../job/names.js';
import { listOf, must, passes, shape, whole, yesOrNo, type Rule } from '../runtime/rules.js';

const INSTANCE = /^[A-Za-z0-9_-]{1,60}$/;

/** From, to: of a job, whoever says it. */
export const LIMITS = {
  maxAttempts: [1, 1_000],
  timeoutMs: [1, DAY_MS],
  maxPending: [1, 1_000_000],
} as const;

/** Of an option that `inMs` has seen: whole milliseconds. */
export function duration(min: number, max: number): Rule {
  const ms = whole(min, max);
  return (value, path) => {
    const problems = ms(value, path);
    if (typeof value !== 'string') return problems;
    return problems.map((problem) => problem.replace(', not ', ` ${DURATION_FORMS}, not `));
  };
}

/** Permits of any tier; more than 10,000 jobs at once in one process is a mistake. */
export const PERMITS = whole(1, 10_000);

const range = shape({ min: PERMITS, max: PERMITS } satisfies Record<keyof ConcurrencyRange, Rule>, [
  'min',
  'max',
]);
const inOrder = must(
  (value) => (value as ConcurrencyRange).min <= (value as ConcurrencyRange).max,
  'a range whose min is not above its max',
);

/** A number, or a range of when to claim more. */
export const CONCURRENCY: Rule = (value, path) => {
  if (typeof value !== 'object' || value === null) return PERMITS(value, path);
  const problems = range(value, path);
  return problems.length > 0 ? problems : inOrder(value, path);
};

const batch = shape(
  { size: whole(1, 1_000), lingerMs: duration(0, 60_000) } satisfies Record<
    keyof BatchOptions,
    Rule
  >,
  ['size'],
);

/** The name of a module instance becomes part of its tokens. */
export const INSTANCE_NAME = must(
  (value) => typeof value === 'string' && INSTANCE.test(value),
  '1 to 60 of letters, digits, _ and -',
);

export const ATTEMPT_RULES = {
  maxAttempts: whole(...LIMITS.maxAttempts),
  // checkBackoff begins with "backoff: ", and so does the path.
  backoff: (value, path) =>
    passes(checkBackoff)(value, path).map((problem) =>
      problem.replace('backoff: backoff: ', 'backoff: '),
    ),
  timeoutMs: duration(...LIMITS.timeoutMs),
} satisfies Record<keyof AttemptPolicy, Rule>;

export const USES = listOf(passes(checkQueueName));

const JOB_RULES = {
  ...ATTEMPT_RULES,
  concurrency: CONCURRENCY,
  transactional: yesOrNo,
  batch,
  uses: USES,
} satisfies Record<keyof HandleJobOptions, Rule>;

const HANDLER_RULES = { ...JOB_RULES, instance: INSTANCE_NAME } satisfies Record<
  keyof QueueHandlerOptions,
  Rule
>;

/** What `@HandleJob` and `@QueueHandler` options must be. */
export const handleJobOptions = shape(JOB_RULES);
export const queueHandlerOptions = shape(HANDLER_RULES);
