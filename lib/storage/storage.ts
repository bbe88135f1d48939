import type { DataSource } from 'typeorm';
import type { QueueEventBus } from '../observability/events.js';
import { outside } from '../runtime/outside.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { AuditRepository } from './operate/audit.repository.js';
import { CheckpointRepository } from './settle/checkpoint.repository.js';
import { Database } from './connection/database.js';
import { EndRepository } from './reading/end.repository.js';
import { EndSignals } from './wake-ups/end-signals.js';
import { EnqueueRepository } from './enqueue/enqueue.repository.js';
import { GivenIdRepository } from './enqueue/given-id.repository.js';
import { GroupRepository } from './groups/group.repository.js';
import { HealthRepository } from './diagnosis/health.repository.js';
import { CancelRepository } from './operate/cancel.repository.js';
import { ClaimRepository } from './claim/claim.repository.js';
import { ErrorRepository } from './reading/error.repository.js';
import { FindRepository } from './reading/find.repository.js';
import { SettleRepository } from './settle/settle.repository.js';
import { Lanes } from './lanes/lanes.js';
import { LeaseRepository } from './leases/lease.repository.js';
import { KeyRepository } from './limits/key.repository.js';
import { LimitRepository } from './limits/limit.repository.js';
import { Migrator } from './schema/migrator.js';
import { checkDataSource } from './connection/type-orm.js';
import { OpenTransactions } from './connection/callers/open-transactions.js';
import { PullRepository } from './claim/pull.repository.js';
import { PartitionRepository } from './schema/partition.repository.js';
import { notifyRefused } from './wake-ups/notify-rest.js';
import { QueueRepository } from './reading/queue.repository.js';
import { RevivalRepository } from './operate/revival.repository.js';
import { ProgressRepository } from './settle/progress.repository.js';
import { PeriodRepository } from './keys/period.repository.js';
import { ScheduleRepository } from './schedules/schedule.repository.js';
import { DirectClaims } from './enqueue/direct-claims.js';
import { Signals } from './wake-ups/signals.js';
import { SessionRepository } from './diagnosis/session.repository.js';
import { TallyRepository } from './tally/tally.repository.js';
import { TroubleRepository } from './diagnosis/trouble.repository.js';
import { ChangeRepository } from './operate/change.repository.js';
import { StagedRepository } from './staged/staged.repository.js';
import type { Spool } from '../spool/spool.js';
import { ReplayRepository } from './enqueue/replay.repository.js';
import { spoolOf } from './connection/spool-of.js';
import { UnservedLanes } from './lanes/unserved-lanes.js';
import { UnusedLanesRepository } from './lanes/unused-lanes.repository.js';
import { OutcomeRepository } from './outcomes/outcome.repository.js';
import { WorkflowRepository } from './workflows/workflow.repository.js';

/** A slow look, and whatever else is asked meanwhile. */
const BESIDE_MAX = 2;

interface StorageParts {
  spool?: Spool | undefined;
  ends: EndSignals;
  lanes: Lanes;
  openTransactions: OpenTransactions | undefined;
  queues: ResolvedOptions['queues'];
}

/** Everything of one module instance that reaches the database. */
export class Storage {
  readonly lanes = this.parts.lanes;
  readonly endSignals = this.parts.ends;
  /** Only with `warnOutsideTransaction`. */
  readonly openTransactions = this.parts.openTransactions;
  /** Only with the option `spool`. */
  readonly spool = this.parts.spool;
  readonly jobs = new FindRepository(this.database);
  readonly claims = new ClaimRepository(this.database);
  readonly settlements = new SettleRepository(this.database);
  readonly audit = new AuditRepository(this.database);
  readonly cancels = new CancelRepository();
  readonly checkpoints = new CheckpointRepository();
  readonly progress = new ProgressRepository();
  readonly givenIds = new GivenIdRepository(this.database);
  readonly enqueues = new EnqueueRepository(this.database, this.lanes, this.givenIds);
  readonly replays = new ReplayRepository(this.database, this.enqueues);
  readonly leases = new LeaseRepository(this.database);
  readonly partitions = new PartitionRepository(this.database);
  readonly periods = new PeriodRepository(this.database);
  readonly keys = new KeyRepository(this.database);
  readonly limits = new LimitRepository(this.database);
  readonly unusedLanes = new UnusedLanesRepository(this.database);
  readonly directClaims = new DirectClaims();
  readonly pulls = new PullRepository(this.database);
  readonly queues = new QueueRepository(this.database);
  readonly schedules = new ScheduleRepository(this.database);
  readonly revivals = new RevivalRepository(this.database);
  readonly ends = new EndRepository(this.database);
  readonly groups = new GroupRepository(this.database);
  readonly health = new HealthRepository(this.database);
  readonly staged = new StagedRepository(this.database);
  readonly changes = new ChangeRepository(this.jobs);
  readonly sessions = new SessionRepository(this.database);
  readonly tallies = new TallyRepository(this.database);
  readonly errors = new ErrorRepository(this.database);
  readonly outcomes = new OutcomeRepository(this.database, this.lanes, this.parts.queues);
  readonly workflows = new WorkflowRepository(this.database, this.lanes);
  readonly troubles = new TroubleRepository(
    this.database,
    this.partitions,
    this.signals,
    this.spool,
  );
  private readonly closing: (() => Promise<void>)[] = [];

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
    const onError = (error: unknown, restMs: number) =>
      events.emit('loopFailed', () => ({ loop: 'listener', error, restMs }));
    const warn = (warning: { code: string; message: string }) => events.emit('warning', () => warning); // prettier-ignore
    const onRefused = (error: Error) => warn(notifyRefused(error));
    const signals = new Signals(database, { ...options, onError, onRefused });
    let spool: Spool | undefined;
    try {
      await outside(() => new Migrator(database, options).prepare());
      spool = options.spool && (await spoolOf(database, options, warn));
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
      await outside(() => this.outcomes.declare());
      return this;
    } catch (error) {
      await this.onApplicationShutdown();
      throw error;
    }
  }

  /** Called before the connections close, for what still uses them. */
  beforeClose(work: () => Promise<void>): void {
    this.closing.push(work);
  }

  /** After every drain: other modules' `beforeApplicationShutdown` may still enqueue. */
  async onApplicationShutdown(): Promise<void> {
    const closed = await Promise.allSettled(this.closing.map((work) => work()));
    this.openTransactions?.close();
    this.lanes.close();
    await this.endSignals.close();
    await this.signals.close();
    await this.database.close();
    for (const end of closed) if (end.status === 'rejected') throw end.reason;
  }
}
