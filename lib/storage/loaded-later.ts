import type { Spool } from '../spool/spool.js';
import { ClaimRepository } from './claim/claim.repository.js';
import { PullRepository } from './claim/pull.repository.js';
import type { Database } from './connection/database.js';
import type { Warn } from './connection/until-served.js';
import { HealthRepository } from './diagnosis/health.repository.js';
import { SessionRepository } from './diagnosis/session.repository.js';
import { TroubleRepository } from './diagnosis/trouble.repository.js';
import type { EnqueueRepository } from './enqueue/enqueue.repository.js';
import { ReplayRepository } from './enqueue/replay.repository.js';
import { GroupRepository } from './groups/group.repository.js';
import { PeriodRepository } from './keys/period.repository.js';
import type { Lanes } from './lanes/lanes.js';
import { UnusedLanesRepository } from './lanes/unused-lanes.repository.js';
import { LeaseRepository } from './leases/lease.repository.js';
import { KeyRepository } from './limits/key.repository.js';
import { LimitRepository } from './limits/limit.repository.js';
import { AuditRepository } from './operate/audit.repository.js';
import { ChangeRepository } from './operate/change.repository.js';
import { RevivalRepository } from './operate/revival.repository.js';
import { ErrorRepository } from './reading/error.repository.js';
import type { FindRepository } from './reading/find.repository.js';
import { QueueRepository } from './reading/queue.repository.js';
import { ScheduleRepository } from './schedules/schedule.repository.js';
import { PartitionRepository } from './schema/partition.repository.js';
import { CheckpointRepository } from './settle/checkpoint.repository.js';
import { ProgressRepository } from './settle/progress.repository.js';
import { SettleRepository } from './settle/settle.repository.js';
import { StagedRepository } from './staged/staged.repository.js';
import { TallyRepository } from './tally/tally.repository.js';
import type { Signals } from './wake-ups/signals.js';
import { WorkflowRepository } from './workflows/workflow.repository.js';

interface Beside {
  database: Database;
  signals: Signals;
  lanes: Lanes;
  spool?: Spool | undefined;
  jobs: FindRepository;
  enqueues: EnqueueRepository;
  warn?: Warn | undefined;
}

/** What a process that only enqueues and finds jobs asks nothing: of workers, operators, schedules, limits and workflows. */
export class LoadedLater {
  private readonly database = this.beside.database;
  readonly audit = new AuditRepository(this.database);
  readonly changes = new ChangeRepository(this.beside.jobs);
  readonly checkpoints = new CheckpointRepository();
  readonly claims = new ClaimRepository(this.database);
  readonly errors = new ErrorRepository(this.database);
  readonly groups = new GroupRepository(this.database);
  readonly health = new HealthRepository(this.database);
  readonly keys = new KeyRepository(this.database);
  readonly leases = new LeaseRepository(this.database, this.beside.warn);
  readonly limits = new LimitRepository(this.database);
  readonly partitions = new PartitionRepository(this.database);
  readonly periods = new PeriodRepository(this.database);
  readonly progress = new ProgressRepository();
  readonly pulls = new PullRepository(this.database);
  readonly queues = new QueueRepository(this.database);
  readonly replays = new ReplayRepository(this.database, this.beside.enqueues);
  readonly revivals = new RevivalRepository(this.database);
  readonly schedules = new ScheduleRepository(this.database);
  readonly sessions = new SessionRepository(this.database);
  readonly settlements = new SettleRepository(this.database);
  readonly staged = new StagedRepository(this.database);
  readonly tallies = new TallyRepository(this.database);
  readonly unusedLanes = new UnusedLanesRepository(this.database);
  readonly workflows = new WorkflowRepository(this.database, this.beside.lanes);
  readonly troubles = new TroubleRepository(
    this.database,
    this.partitions,
    this.beside.signals,
    this.beside.spool,
  );

  constructor(private readonly beside: Beside) {}
}
