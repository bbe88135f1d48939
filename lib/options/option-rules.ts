import { isAbsolute } from 'node:path';
import { linear } from '../job/backoff.js';
import { checkWorkerLabels } from '../job/values/labels.js';
import { checkQueueName, checkSchemaName } from '../job/names.js';
import { checkQueuePattern } from '../job/values/queue-pattern.js';
import { JOB_EVENT_NAMES } from '../observability/events.js';
import type { LogOptions } from '../observability/log-listener.js';
import {
  callable,
  listOf,
  mapOf,
  must,
  oneOf,
  orFalse,
  passes,
  shape,
  whole,
  yesOrNo,
  type Rule,
} from '../runtime/rules.js';
import { ENCODE, isTorn, urlOf } from '../runtime/torn-address.js';
import type {
  OwnOptions,
  QueueSettings,
  ResolvedOptions,
  SpoolSettings,
  WithoutDefault,
  WorkerSettings,
} from './simple-queue.options.js';
import { limitRule, perKeyRule, QUEUE_LIMIT_RULES } from './limit-rules.js';
import {
  ATTEMPT_RULES,
  CONCURRENCY,
  duration,
  INSTANCE_NAME,
  LIMITS,
  PERMITS,
  USES,
} from './handler-rules.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../job/values/duration.js';

/** jsonb holds at most 255 MiB. */
const MAX_BYTES = 255 * 1024 * 1024;

const keep = shape({ keepMs: duration(MINUTE_MS, 3_650 * DAY_MS) }, ['keepMs']);

/** Of any class: what counts are its methods. */
const has = (wanted: string, ...methods: string[]): Rule =>
  must(
    (value) =>
      methods.every(
        (name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function',
      ),
    wanted,
  );

const level = orFalse(oneOf('fatal', 'error', 'warn', 'log', 'debug', 'verbose'));

const logOptions = shape({
  structured: yesOrNo,
  levels: shape(Object.fromEntries(JOB_EVENT_NAMES.map((name) => [name, level]))),
  redact: must(
    (value) => value instanceof RegExp || typeof value === 'function',
    'a regular expression or a function',
  ),
} satisfies Record<keyof LogOptions, Rule>);

const workerSettings = shape({
  queues: listOf(passes(checkQueuePattern)),
  labels: (value, path) =>
    passes(checkWorkerLabels)(value, path).map((problem) =>
      problem.replace('labels: labels: ', 'labels: '),
    ),
  autoStart: yesOrNo,
} satisfies Record<keyof WorkerSettings, Rule>);

const queueSettings = shape({
  ...ATTEMPT_RULES,
  concurrency: CONCURRENCY,
  maxPending: whole(...LIMITS.maxPending),
  ...QUEUE_LIMIT_RULES,
  perKey: perKeyRule,
  uses: USES,
  archive: orFalse(keep),
  deadLetter: keep,
  ordered: yesOrNo,
  fair: yesOrNo,
  outcomes: orFalse(passes(checkQueueName)),
  onDeadJob: oneOf('block', 'skip', 'halt'),
} satisfies Record<keyof QueueSettings, Rule>);

/** The address holds a password, so the problem does not show it. */
const postgresUrl: Rule = (value, path) => {
  if (typeof value !== 'string' || !/^postgres(ql)?:\/\//.test(value))
    return [`${path} must be a URL that starts with postgres://`];
  const url = urlOf(value);
  return url && !isTorn(url)
    ? []
    : [
        `${path} is not an address of the form postgres://user:password@host:5432/database. ${ENCODE}`,
      ];
};

const spoolSettings = shape(
  {
    folder: must((value) => typeof value === 'string' && isAbsolute(value), 'an absolute path'),
    maxBytes: whole(64 * 1024, 64 * 1024 * 1024 * 1024),
  } satisfies Record<keyof SpoolSettings, Rule>,
  ['folder'],
);

/** What an option must be, and what holds where it is not given. */
type Table<Name extends keyof OwnOptions> = {
  [Each in Name]: Each extends WithoutDefault ? [Rule] : [Rule, NonNullable<OwnOptions[Each]>];
};

/** Node's timers end at 2^31 - 1 ms, some 24 days; ours below that. */
const OPTIONS = {
  transaction: [callable],
  warnOutsideTransaction: [yesOrNo, false],
  schema: [passes(checkSchemaName), 'simple_queue'],
  migrate: [oneOf('run', 'check', 'off'), 'run'],
  concurrency: [PERMITS, 100],
  queueConcurrency: [PERMITS, 10],
  globalEnhancers: [yesOrNo, false],
  maxAttempts: [ATTEMPT_RULES.maxAttempts, 3],
  backoff: [ATTEMPT_RULES.backoff, linear({ delayMs: 5_000 })],
  timeoutMs: [ATTEMPT_RULES.timeoutMs],
  maxStalls: [whole(1, 1_000), 3],
  rescheduleForMs: [duration(0, 3_650 * DAY_MS), 7 * DAY_MS],
  pollIntervalMs: [duration(10, HOUR_MS), 1_000],
  wakeUp: [oneOf('listen', 'off'), 'listen'],
  listenUrl: [postgresUrl],
  preparedStatements: [yesOrNo, true],
  poolMode: [oneOf('session', 'transaction'), 'session'],
  heartbeatIntervalMs: [duration(10, HOUR_MS), 5_000],
  leaseMs: [duration(100, DAY_MS), 15_000],
  stuckMs: [duration(0, DAY_MS), 60_000],
  queryTimeoutMs: [duration(100, 10 * MINUTE_MS), 10_000],
  shutdownGraceMs: [duration(0, HOUR_MS), 25_000],
  reaperIntervalMs: [duration(10, HOUR_MS), 5_000],
  janitorIntervalMs: [duration(10, DAY_MS), 60_000],
  archive: [orFalse(keep), { keepMs: 7 * DAY_MS }],
  deadLetter: [keep, { keepMs: 30 * DAY_MS }],
  tally: [orFalse(keep), { keepMs: 30 * DAY_MS }],
  maxPayloadBytes: [whole(1, MAX_BYTES), 1024 * 1024],
  maxOutputBytes: [whole(1, MAX_BYTES), 64 * 1024],
  maxCheckpointBytes: [whole(1, MAX_BYTES), 64 * 1024],
  spool: [spoolSettings],
  carriers: [
    listOf(has('a carrier, with the methods capture() and restore()', 'capture', 'restore')),
    [],
  ],
  logs: [orFalse(logOptions), {}],
  telemetry: [has('telemetry, such as openTelemetry() of nestjs-simple-queue/telemetry', 'start')],
} satisfies Table<keyof OwnOptions>;

type AnyTable = Readonly<Record<string, [Rule, unknown?]>>;
const rulesOf = (table: AnyTable) =>
  Object.fromEntries(Object.entries(table).map(([name, [rule]]) => [name, rule]));
const defaultsOf = (table: AnyTable) =>
  Object.fromEntries(
    Object.entries(table)
      .filter(([, [, byDefault]]) => byDefault !== undefined)
      .map(([name, [, byDefault]]) => [name, Object.freeze(byDefault)]),
  );

/** What holds where the application says nothing. */
export const DEFAULTS = Object.freeze({
  ...defaultsOf(OPTIONS),
  worker: Object.freeze({ autoStart: true }),
} as Omit<ResolvedOptions, 'instance' | 'queues' | 'limits' | 'schedules'>);

const besideTheFactory: Rule = (_, path) => [
  `${path} belongs beside useFactory, not in what it returns: injection tokens depend on it`,
];

/** What `forRoot` takes, and a `forRootAsync` factory returns. */
export const simpleQueueOptions = shape({
  ...rulesOf(OPTIONS),
  worker: orFalse(workerSettings, true),
  queues: mapOf(passes(checkQueueName), queueSettings),
  limits: mapOf(passes(checkQueueName), limitRule),
  schedules: shape({ owner: INSTANCE_NAME }),
  isGlobal: besideTheFactory,
  name: besideTheFactory,
  dataSource: besideTheFactory,
});

const extras = {
  isGlobal: yesOrNo,
  name: INSTANCE_NAME,
  dataSource: must(
    (value) =>
      ['string', 'symbol', 'function'].includes(typeof value) ||
      (typeof value === 'object' && value !== null),
    'a DataSource, its token (class or symbol) or its name',
  ),
};

const anything: Rule = () => [];

/** What is known before any provider is made, since tokens depend on it. */
export const moduleExtras = shape(extras);

/** What `forRootAsync` takes. */
export const asyncOptions = shape({
  ...extras,
  imports: anything,
  inject: anything,
  useFactory: callable,
  useClass: callable,
  useExisting: anything,
  provideInjectionTokensFrom: anything,
});
