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
import { ListingRepository } from './reading/listing.repository.js';
import { Migrator } from './schema/migrator.js';
import { checkDataSource } from './connection/type-orm.js';
import { OpenTransactions } from './connection/open-transactions.js';
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
  readonly jobs: FindRepository;
  readonly claims: ClaimRepository;
  readonly settlements: SettleRepository;
  readonly audit: AuditRepository;
  readonly cancels = new CancelRepository();
  readonly checkpoints = new CheckpointRepository();
  readonly progress = new ProgressRepository();
  readonly givenIds: GivenIdRepository;
  readonly enqueues: EnqueueRepository;
  readonly leases: LeaseRepository;
  readonly partitions: PartitionRepository;
  readonly periods: PeriodRepository;
  readonly lanes: Lanes;
  readonly keys: KeyRepository;
  readonly limits: LimitRepository;
  readonly unusedLanes: UnusedLanesRepository;
  readonly directClaims = new DirectClaims();
  readonly pulls: PullRepository;
  readonly queues: QueueRepository;
  readonly schedules: ScheduleRepository;
  readonly listings: ListingRepository;
  readonly revivals: RevivalRepository;
  readonly ends: EndRepository;
  readonly endSignals: EndSignals;
  private readonly closing: (() => Promise<void>)[] = [];
  /** Only with `warnOutsideTransaction`. */
  readonly openTransactions: OpenTransactions | undefined;
  readonly groups: GroupRepository;
  readonly health: HealthRepository;
  readonly staged: StagedRepository;
  readonly changes: ChangeRepository;
  readonly sessions: SessionRepository;
  readonly troubles: TroubleRepository;
  readonly tallies: TallyRepository;
  readonly workflows: WorkflowRepository;
  readonly errors: ErrorRepository;
  readonly outcomes: OutcomeRepository;
  readonly replays: ReplayRepository;
  /** Only with the option `spool`. */
  readonly spool: Spool | undefined;

  private constructor(
    readonly database: Database,
    readonly signals: Signals,
    { ends, lanes, openTransactions, queues, spool }: StorageParts,
  ) {
    [this.endSignals, this.openTransactions, this.lanes, this.spool] = [ends, openTransactions, lanes, spool]; // prettier-ignore
    [this.jobs, this.audit] = [new FindRepository(database), new AuditRepository(database)];
    this.claims = new ClaimRepository(database);
    this.settlements = new SettleRepository(database);
    this.givenIds = new GivenIdRepository(database);
    this.enqueues = new EnqueueRepository(database, lanes, this.givenIds);
    [this.replays, this.leases] = [new ReplayRepository(database, this.enqueues), new LeaseRepository(database)]; // prettier-ignore
    this.partitions = new PartitionRepository(database);
    [this.periods, this.limits] = [new PeriodRepository(database), new LimitRepository(database)];
    [this.keys, this.unusedLanes] = [new KeyRepository(database), new UnusedLanesRepository(database)]; // prettier-ignore
    this.pulls = new PullRepository(database);
    this.queues = new QueueRepository(database);
    this.schedules = new ScheduleRepository(database);
    this.listings = new ListingRepository(database);
    this.revivals = new RevivalRepository(database);
    this.ends = new EndRepository(database);
    this.groups = new GroupRepository(database);
    this.health = new HealthRepository(database);
    this.staged = new StagedRepository(database);
    this.changes = new ChangeRepository(this.jobs);
    this.sessions = new SessionRepository(database);
    [this.errors, this.tallies] = [new ErrorRepository(database), new TallyRepository(database)];
    [this.outcomes, this.workflows] = [new OutcomeRepository(database, lanes, queues), new WorkflowRepository(database, lanes)]; // prettier-ignore
    this.troubles = new TroubleRepository(database, this.partitions, signals, spool);
  }

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

  /** What this process says of queues stands in the database before anything ends here. */
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
    await Promise.all(this.closing.map((work) => work()));
    this.openTransactions?.close();
    this.lanes.close();
    await this.endSignals.close();
    await this.signals.close();
    await this.database.close();
  }
}
