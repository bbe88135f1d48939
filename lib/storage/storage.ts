import type { DataSource } from 'typeorm';
import type { QueueEventBus } from '../observability/events.js';
import { later } from '../runtime/later.js';
import { outside } from '../runtime/outside.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { Database } from './connection/database.js';
import { EndRepository } from './reading/end.repository.js';
import { EndSignals } from './wake-ups/end-signals.js';
import { EnqueueRepository } from './enqueue/enqueue.repository.js';
import { GivenIdRepository } from './enqueue/given-id.repository.js';
import { CancelRepository } from './operate/cancel.repository.js';
import { FindRepository } from './reading/find.repository.js';
import { Lanes } from './lanes/lanes.js';
import { Migrator } from './schema/migrator.js';
import { checkDataSource } from './connection/type-orm.js';
import { OpenTransactions } from './connection/callers/open-transactions.js';
import { notifyRefused } from './wake-ups/notify-rest.js';
import { DirectClaims } from './enqueue/direct-claims.js';
import { Signals } from './wake-ups/signals.js';
import type { LoadedLater } from './loaded-later.js';
import type { Spool } from '../spool/spool.js';
import { UnservedLanes } from './lanes/unserved-lanes.js';
import { inStart, type Warn } from './connection/until-served.js';
import { OutcomeRepository } from './outcomes/outcome.repository.js';

/** The last settles of a process may take this long, and all else that it says at its end; then the reaper has the rest. */
export const LAST_WORDS_MS = 5_000;
/** A slow look, and whatever else is asked meanwhile. */
const BESIDE_MAX = 2;

interface StorageParts {
  spool?: Spool | undefined;
  ends: EndSignals;
  lanes: Lanes;
  openTransactions: OpenTransactions | undefined;
  queues: ResolvedOptions['queues'];
  warn?: Warn | undefined;
}

/** What a process that only enqueues hardly ever asks. A worker reads it while the server is asked. */
const loadLater = () => import('./loaded-later.js');
/** Only a process with a spool loads it. */
const spoolOf = async () => (await import('./connection/spool-of.js')).spoolOf;

/** Everything of one module instance that reaches the database. */
export class Storage {
  readonly lanes = this.parts.lanes;
  readonly endSignals = this.parts.ends;
  /** Only with `warnOutsideTransaction`. */
  readonly openTransactions = this.parts.openTransactions;
  /** Only with the option `spool`. */
  readonly spool = this.parts.spool;
  readonly warn = this.parts.warn;
  readonly jobs = new FindRepository(this.database);
  readonly cancels = new CancelRepository();
  readonly givenIds = new GivenIdRepository(this.database);
  readonly enqueues = new EnqueueRepository(this.database, this.lanes, this.givenIds);
  readonly directClaims = new DirectClaims();
  readonly ends = new EndRepository(this.database);
  readonly outcomes = new OutcomeRepository(this.database, this.lanes, this.parts.queues);
  private readonly rest = later<LoadedLater>(async () => new (await loadLater()).LoadedLater(this));
  readonly audit = this.rest.audit;
  readonly changes = this.rest.changes;
  readonly checkpoints = this.rest.checkpoints;
  readonly claims = this.rest.claims;
  readonly errors = this.rest.errors;
  readonly groups = this.rest.groups;
  readonly health = this.rest.health;
  readonly keys = this.rest.keys;
  readonly leases = this.rest.leases;
  readonly limits = this.rest.limits;
  readonly partitions = this.rest.partitions;
  readonly periods = this.rest.periods;
  readonly progress = this.rest.progress;
  readonly pulls = this.rest.pulls;
  readonly queues = this.rest.queues;
  readonly replays = this.rest.replays;
  readonly revivals = this.rest.revivals;
  readonly schedules = this.rest.schedules;
  readonly sessions = this.rest.sessions;
  readonly settlements = this.rest.settlements;
  readonly staged = this.rest.staged;
  readonly tallies = this.rest.tallies;
  readonly troubles = this.rest.troubles;
  readonly unusedLanes = this.rest.unusedLanes;
  readonly workflows = this.rest.workflows;
  private readonly closing: { work: () => Promise<void>; graceMs: () => number }[] = [];

  private constructor(
    readonly database: Database,
    readonly signals: Signals,
    private readonly parts: StorageParts,
  ) {}

  /**
   * Checks DataSource, server and tables (creating or migrating them where the options say so), and opens connections.
   * Nest awaits it before any `onModuleInit`, so that enqueueing works from there on.
   */
  static async open(
    dataSource: DataSource,
    options: ResolvedOptions,
    events: QueueEventBus,
  ): Promise<Storage> {
    checkDataSource(dataSource);
    const database = new Database(dataSource, options);
    const onError = (error: unknown, restMs: number) => events.emit('loopFailed', () => ({ loop: 'listener', error, restMs })); // prettier-ignore
    const warn: Warn = (warning) => events.emit('warning', () => warning);
    const signals = new Signals(database, { ...options, onError, onRefused: (error) => warn(notifyRefused(error)) }); // prettier-ignore
    if (options.worker) loadLater().catch(() => undefined);
    let spool: Spool | undefined;
    try {
      await outside(() => new Migrator(database, { ...options, warn }).prepare());
      spool = options.spool && (await (await spoolOf())(database, options, warn));
    } catch (error) {
      await database.close();
      throw error;
    }
    signals.open();
    const unserved = options.worker ? undefined : new UnservedLanes(database, warn);
    return new Storage(database, signals, {
      spool,
      ends: new EndSignals(signals, options.wakeUp),
      lanes: new Lanes(database, warn, options.queryTimeoutMs, unserved),
      openTransactions: options.warnOutsideTransaction ? new OpenTransactions(dataSource) : undefined, // prettier-ignore
      queues: options.queues,
      warn,
    }).declared();
  }

  /** The same tables by other connections, for who must not use these; wake-ups go the same way. Who asks closes its `database`. */
  beside(options: ResolvedOptions): Storage {
    const few = { ...options, callersMax: BESIDE_MAX };
    const database = new Database(this.database.dataSource, few);
    return new Storage(database, this.signals, {
      ends: this.endSignals,
      lanes: new Lanes(database, undefined, options.queryTimeoutMs),
      openTransactions: undefined,
      queues: options.queues,
    });
  }

  /** What this process says of queues is in the database before anything ends here. */
  private async declared(): Promise<this> {
    try {
      await outside(() => this.served(() => this.outcomes.declare()));
      return this;
    } catch (error) {
      await this.onApplicationShutdown();
      throw error;
    }
  }

  /** A step of a start: what nobody serves now is tried again, until `over`. */
  served<T>(work: () => Promise<T>, over?: AbortSignal): Promise<T> {
    return inStart(this.database.dataSource, work, { warn: this.parts.warn, over });
  }

  /** Called before the connections close, for what still uses them, and may wait so long for an application. */
  beforeClose(work: () => Promise<void>, graceMs = () => 0): void {
    this.closing.push({ work, graceMs });
  }

  /** What an application that closes still has to say, in however many statements: then its connections are cut, and others have the rest. */
  async lastWords<T>(work: () => Promise<T>, graceMs = 0): Promise<T> {
    const timer = setTimeout(() => this.database.abandon(), graceMs + LAST_WORDS_MS);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
    }
  }

  /** After every drain: other modules' `beforeApplicationShutdown` may still enqueue. */
  async onApplicationShutdown(): Promise<void> {
    const graceMs = Math.max(0, ...this.closing.map((each) => each.graceMs()));
    await this.lastWords(() => this.close(), graceMs);
  }

  private async close(): Promise<void> {
    const closed = await Promise.allSettled(this.closing.map(({ work }) => work()));
    this.openTransactions?.close();
    this.lanes.close();
    await this.endSignals.close();
    await this.signals.close();
    await this.database.close();
    for (const end of closed) if (end.status === 'rejected') throw end.reason;
  }
}
