import type { OnDeadJob } from '../job/job-state.js';
import type { EntityManager, QueryRunner } from 'typeorm';
import type { Concurrency } from '../job/values/concurrency.js';
import type { AttemptPolicy } from '../job/job-handler.js';
import type { LimitRule, PerKeyRule, RateLimit } from '../job/limit.js';
import type { ContextCarrier } from '../job/context-carrier.js';
import type { Duration, InMs } from '../job/values/duration.js';
import type { LogOptions } from '../observability/log-listener.js';
import type { Telemetry } from '../observability/telemetry.js';

/** Settings of one queue; what belongs to a queue as a whole is set only here. */
export interface QueueSettings extends AttemptPolicy {
  /** Jobs of the queue running at once in this process, default `queueConcurrency`. A range also says when to claim more. */
  concurrency?: Concurrency;
  /** Jobs of the queue running at once over all processes; default no limit. See `docs/operate/limits.md`. */
  fleetConcurrency?: number;
  /** Starts of its jobs in a time, over all processes; default no limit. */
  rate?: RateLimit;
  /** Names of `limits` that its jobs obey, in each handler and pulled (`JobQueue`); default none. Set it in every process that works the queue. */
  uses?: string[];
  /** A limit for each key of its jobs, such as a tenant, over all processes. Set it in every process that enqueues. See `docs/operate/limits-per-key.md`. */
  perKey?: PerKeyRule;
  /** What becomes of its succeeded and cancelled jobs, default the module's. */
  archive?: false | { readonly keepMs: Duration };
  /** Refuses enqueues beyond this many waiting jobs with `QUEUE_FULL`, 1 to 1,000,000; default no limit. Give it in every process. */
  maxPending?: number;
  /** What becomes of its jobs that ended badly, default the module's. */
  deadLetter?: { readonly keepMs: Duration };
  /**
   * A queue in which each end of a job of this one is stored as a job, `{ id, queue, name, state, output?, error? }`, by the very statement that ends
   * it. The database keeps it until a process says `false`. See `docs/learn/outcomes.md`.
   */
  outcomes?: string | false;
  /** `true`: the whole queue is one strict FIFO, however many workers run. Set it in every process that enqueues. Default false. */
  ordered?: boolean;
  /** `true`: workers take jobs from its groups in turn, however many a group has. Set it in every process that enqueues. Default false. */
  fair?: boolean;
  /**
   * What the followers of a job that ended badly do in its ordered group: wait for an operator (`block`, the default), go on (`skip`),
   * or wait, and with them every group of the queue (`halt`).
   */
  onDeadJob?: OnDeadJob;
}

/** Where jobs wait for a database that is away. */
export interface SpoolSettings {
  /** A folder on a disk that outlives the process; processes and replicas may share it. */
  folder: string;
  /** A process keeps no more than this, default 64 MiB; then enqueues fail as without a spool. */
  maxBytes?: number;
}

/** Which part of the work this process takes. */
export interface WorkerSettings {
  /** Queues it works, by name or by prefix (`mail.*`); default: all that it has handlers for. */
  queues?: string[];
  /** What it has (`gpu`, `eu`): it runs jobs whose labels are all among these; default none. */
  labels?: string[];
  /** `false`: the application calls `QueueWorker.start()`; default true. */
  autoStart?: boolean;
}

/** Options of `SimpleQueueModule.forRoot`. Durations are milliseconds, or texts such as `'15 s'`. Every default is in `DEFAULTS`. */
export interface SimpleQueueOptions extends AttemptPolicy {
  /** The ambient transaction to join, e.g. `() => transactionHost.tx`; default: none but typeorm-transactional's. Only `undefined` says that there is none. */
  transaction?: () => EntityManager | QueryRunner | undefined;
  /** For development: warns once of a queue when a job is stored by itself while a transaction is open around the call; default false. */
  warnOutsideTransaction?: boolean;
  /** PostgreSQL schema of all tables, `^[a-z_][a-z0-9_]{0,47}$`; default `simple_queue`. */
  schema?: string;
  /** `run` (default): at start, under an advisory lock. `check`: refuse to start when behind or ahead. `off`: trust. */
  migrate?: 'run' | 'check' | 'off';
  /** `false`: this process only enqueues. Default true. */
  worker?: boolean | WorkerSettings;
  /** Jobs running in this process, default 100. */
  concurrency?: number;
  /** Jobs running a queue in this process where `queues` or the handler says nothing else, default 10. */
  queueConcurrency?: number;
  /** Settings by queue name. */
  queues?: Record<string, QueueSettings>;
  /** Limits across the fleet by a name of their own: handlers of several queues obey them (`uses`), and calls outside of jobs (`QueueLimits`). */
  limits?: Record<string, LimitRule>;
  /** `true`: the application's own guards, interceptors, pipes and filters (`APP_GUARD`, `useGlobalGuards()`) stand around handlers too. Default false. */
  globalEnhancers?: boolean;
  /** Longest rest of an idle poller, default 1,000; a wake-up or a due job ends it early. */
  pollIntervalMs?: Duration;
  /** LISTEN/NOTIFY as a hint (`listen`, the default), or polling alone (`off`). */
  wakeUp?: 'listen' | 'off';
  /** Connection URL for LISTEN where the DataSource goes through a transaction-mode pooler; default: the DataSource's. */
  listenUrl?: string;
  /** Named prepared statements, default true; `false` behind PgBouncer in transaction mode before 1.21. */
  preparedStatements?: boolean;
  /** `transaction` where a pooler hands each transaction another connection of the server (PgBouncer's `pool_mode`); default `session`. */
  poolMode?: 'session' | 'transaction';
  /** How often a worker renews its lease, default 5,000. */
  heartbeatIntervalMs?: Duration;
  /** A worker silent for this long has lost its jobs, default 15,000. */
  leaseMs?: Duration;
  /** While a handler blocks the event loop, a thread renews the lease, for this long: then the process hangs. Default 60,000; 0: no thread. */
  stuckMs?: Duration;
  /** A statement of the library's own connections gives up after this, default 10,000. */
  queryTimeoutMs?: Duration;
  /** Drain time at shutdown, then abort signals, then release; default 25,000. */
  shutdownGraceMs?: Duration;
  /** How often the reaper looks for silent workers, default 5,000; jittered. */
  reaperIntervalMs?: Duration;
  /** How often the janitor looks after partitions and old rows, default 60,000; jittered. */
  janitorIntervalMs?: Duration;
  /** Crashes in a row under a job, beyond two, until it is poisoned; the last ones count only while it runs alone. Default 3. */
  maxStalls?: number;
  /** How long after its first reschedule a job may reschedule itself again, default 7 days; `0`: never. Then it ends as `expired`. */
  rescheduleForMs?: Duration;
  /** Succeeded and cancelled jobs, default kept 7 days; `false` deletes at once. */
  archive?: false | { readonly keepMs: Duration };
  /** Jobs that ended badly, default kept 30 days. */
  deadLetter?: { readonly keepMs: Duration };
  /** What workers count of their runs, minute by minute, for `QueueAdmin.series()`; default kept 30 days; `false` counts nothing. */
  tally?: false | { readonly keepMs: Duration };
  /** `owner`: whose schedules these are; default the instance's name. Give services that share tables one each, and all their processes the same. */
  schedules?: { readonly owner?: string };
  /** A larger payload is refused, default 1 MiB. */
  maxPayloadBytes?: number;
  /** A larger output is cut and reported, default 64 KiB. */
  maxOutputBytes?: number;
  /** A larger checkpoint is refused, default 64 KiB. */
  maxCheckpointBytes?: number;
  /** Carry the context of an enqueue to the handler; give them in every process. Default none. */
  carriers?: readonly ContextCarrier[];
  /** What the log says and how; `false`: nothing. Default: a line of text for what does not go as it should. */
  logs?: false | LogOptions;
  /** For bad days: enqueues outside a transaction that cannot reach the database wait in this folder. Default none. See `docs/operate/bad-days.md`. */
  spool?: SpoolSettings;
  /** Traces and metrics, e.g. `openTelemetry()` of `nestjs-simple-queue/telemetry`; default none. */
  telemetry?: Telemetry;
}

/** What the application may leave out, and no default says. */
export type WithoutDefault = 'transaction' | 'timeoutMs' | 'listenUrl' | 'telemetry' | 'spool';

/** The options that are resolved each by itself. */
export type OwnOptions = Omit<SimpleQueueOptions, 'worker' | 'queues' | 'limits' | 'schedules'>;

/** All options with their defaults applied, frozen; made once by `resolveOptions` and passed down. */
export interface ResolvedOptions extends Readonly<
  InMs<Required<Omit<OwnOptions, WithoutDefault>> & Pick<OwnOptions, WithoutDefault>>
> {
  readonly instance: string;
  /** undefined: this process only enqueues. */
  readonly worker?: {
    readonly queues?: readonly string[];
    readonly labels?: readonly string[];
    readonly autoStart: boolean;
  };
  readonly schedules: { readonly owner: string };
  /** Only for tests: nothing waits for a rate, for the rest of a limit, nor for a batch to be full. */
  readonly isUnpaced?: boolean;
  /** Only of the command line: see `Called`. */
  readonly calledWith?: string;
  /** A Map: a queue may be called `__proto__`. */
  readonly queues: ReadonlyMap<string, Readonly<InMs<QueueSettings>>>;
  readonly limits: ReadonlyMap<string, Readonly<InMs<LimitRule>>>;
}
