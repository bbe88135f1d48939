import type { LimitRule } from '../job/limit.js';
import { rangeOf } from '../job/values/concurrency.js';
import { QueueError } from '../job/queue.errors.js';
import { inMs, type InMs } from '../job/values/duration.js';
import { unknownLimit } from './limit-rules.js';
import { refuseCircles, waitingTargets } from './outcome-rules.js';
import { DEFAULTS, simpleQueueOptions } from './option-rules.js';
import type { QueueSettings, ResolvedOptions, SimpleQueueOptions } from './simple-queue.options.js';

export interface Resolution {
  options: ResolvedOptions;
  /** Pairs that are allowed and probably not meant. */
  warnings: string[];
}

/**
 * Applies the defaults, once, and freezes the answer.
 * @throws QueueError `INVALID_OPTION` with ALL problems, each with its path; `LIMIT_UNKNOWN`.
 */
export function resolveOptions(said: SimpleQueueOptions, instance = 'default'): Resolution {
  const given = inMs(said);
  refuse(simpleQueueOptions(given, ''), instance);
  const options = applyDefaults(given, instance);
  refuse(contradictions(options), instance);
  refuseCircles(targetsOf(options));
  refuseUnknownLimits(options);
  return { options, warnings: suspicions(options, given) };
}

/** One error for all that is wrong, so that nobody mends options one start at a time. */
export function refuse(problems: string[], instance = 'default'): void {
  if (problems.length === 0) return;
  const which = instance === 'default' ? '' : ` (instance "${instance}")`;
  throw new QueueError(
    'INVALID_OPTION',
    `SimpleQueueModule${which} cannot start with these options:\n- ${problems.join('\n- ')}`,
  );
}

function applyDefaults(given: InMs<SimpleQueueOptions>, instance: string): ResolvedOptions {
  const { worker, queues, limits, schedules, ...flat } = given;
  return freeze({
    ...DEFAULTS,
    ...givenIn(flat),
    instance,
    worker: resolveWorker(worker),
    schedules: { owner: schedules?.owner ?? instance },
    queues: settingsByName<InMs<QueueSettings>>(queues),
    limits: settingsByName<InMs<LimitRule>>(limits),
  });
}

function resolveWorker(worker: SimpleQueueOptions['worker']): ResolvedOptions['worker'] {
  if (worker === false) return undefined;
  const { queues, labels, autoStart = true } = typeof worker === 'object' ? worker : {};
  return {
    ...(queues && { queues: [...queues] }),
    ...(labels && { labels: [...labels] }),
    autoStart,
  };
}

/** A Map: something may be called `__proto__`. */
function settingsByName<Settings extends object>(
  given: Record<string, Settings> = {},
): Map<string, Readonly<Settings>> {
  return new Map(
    Object.entries(given).map(([name, settings]) => [name, freeze(givenIn<Settings>(settings))]),
  );
}

/** An option given as `undefined` was not given. */
function givenIn<Options extends object>(options: Options | undefined): Options {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  ) as Options;
}

/** Copies before it freezes: the objects are the application's. */
function freeze<Options extends object>(options: Options): Options {
  const copies = Object.entries(options).map(([key, value]) => [
    key,
    isPlain(value) ? Object.freeze({ ...value }) : (value as unknown),
  ]);
  return Object.freeze(Object.fromEntries(copies)) as Options;
}

function isPlain(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

function contradictions(options: ResolvedOptions): string[] {
  const { queues, limits, poolMode, wakeUp, listenUrl, leaseMs, heartbeatIntervalMs } = options;
  const contradictory: [boolean, string][] = [
    ...[...queues].map(([name, { ordered, fair }]): [boolean, string] => [
      Boolean(ordered && fair),
      `queues.${name} cannot be ordered and fair: an ordered queue is one group`,
    ]),
    ...[...limits.keys()].map((name): [boolean, string] => {
      const { fleetConcurrency, rate } = queues.get(name) ?? {};
      return [
        fleetConcurrency !== undefined || rate !== undefined,
        `limits.${name} has the name of a limited queue: they share their names. Rename it`,
      ];
    }),
    [
      poolMode === 'transaction' && wakeUp === 'listen' && listenUrl === undefined,
      'poolMode "transaction" loses LISTEN: give listenUrl, an address that goes around the pooler, or set wakeUp to "off"',
    ],
    [
      leaseMs <= heartbeatIntervalMs,
      `leaseMs (${leaseMs}) must be longer than heartbeatIntervalMs (${heartbeatIntervalMs}): each lease would lapse before it is renewed`,
    ],
  ];
  return [...whatHolds(contradictory), ...waitingTargets(targetsOf(options), queues)];
}

/** Which queues tell their ends to which. */
const targetsOf = ({ queues }: ResolvedOptions): Map<string, string> =>
  new Map(
    [...queues].flatMap(([name, { outcomes }]) =>
      typeof outcomes === 'string' ? [[name, outcomes]] : [],
    ),
  );

/** @throws QueueError `LIMIT_UNKNOWN` */
function refuseUnknownLimits({ queues, limits }: ResolvedOptions): void {
  for (const [queue, { uses = [] }] of queues)
    for (const name of uses)
      if (!limits.has(name))
        throw unknownLimit(`queues.${queue} uses "${name}"`, name, [...limits.keys()]);
}

/** The texts of the pairs whose condition is true. */
const whatHolds = (pairs: [boolean, string][]): string[] =>
  pairs.filter(([holds]) => holds).map(([, text]) => text);

/** A default that does not fit is nobody's slip. */
function suspicions(options: ResolvedOptions, given: InMs<SimpleQueueOptions>): string[] {
  const { leaseMs, heartbeatIntervalMs, queryTimeoutMs, shutdownGraceMs } = options;
  const { concurrency, queueConcurrency } = options;
  const suspicious: [boolean, string][] = [
    [
      leaseMs < 3 * heartbeatIntervalMs,
      `leaseMs (${leaseMs}) is under three heartbeats (${heartbeatIntervalMs}): one lost answer and a healthy worker loses its jobs`,
    ],
    [
      queryTimeoutMs >= leaseMs,
      `queryTimeoutMs (${queryTimeoutMs}) reaches leaseMs (${leaseMs}): one stuck heartbeat outlasts the lease`,
    ],
    [
      shutdownGraceMs >= 30_000,
      `shutdownGraceMs (${shutdownGraceMs}) reaches 30 s: Kubernetes kills a pod then, unless terminationGracePeriodSeconds is raised`,
    ],
    [
      given.queueConcurrency !== undefined && queueConcurrency > concurrency,
      `queueConcurrency (${queueConcurrency}) is above concurrency (${concurrency}), which bounds the whole process`,
    ],
    [
      options.wakeUp === 'off' && options.listenUrl !== undefined,
      'listenUrl is given but wakeUp is "off": nothing listens',
    ],
  ];
  return [...whatHolds(suspicious), ...crowdedQueues(options)];
}

function crowdedQueues({ queues, concurrency }: ResolvedOptions): string[] {
  return [...queues]
    .map(([name, settings]): [string, number] => [name, rangeOf(settings.concurrency ?? 0).max])
    .filter(([, most]) => most > concurrency)
    .map(
      ([name, most]) =>
        `queues.${name}.concurrency (${most}) is above concurrency (${concurrency}), which bounds the whole process`,
    );
}
