import type { QueueEvents } from '../observability/events.js';
import { DatabaseError } from '../storage/database-errors.js';
import { PARTITIONED, type PartitionedTable, type PartitionRepository } from '../storage/partition.repository.js';
import type { GroupRepository } from '../storage/group.repository.js';
import type { PeriodRepository } from '../storage/period.repository.js';
import { jittered } from './jitter.js';

export interface JanitorRules {
  intervalMs: number;
  /** The longest that any queue keeps its ended jobs. */
  keepMs: Readonly<Record<PartitionedTable, number>>;
}

export interface JanitorStorage {
  partitions: PartitionRepository;
  periods: PeriodRepository;
  groups: GroupRepository;
}

/** A batch of the default partition; more wait for the next round. */
const MAX_BATCHES = 50;

const CHECK_VIOLATION = '23514';
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Keeps partitions ahead of time and lets expired ones go (retention drops tables, it deletes no rows one by one); purges periods; lets
 * groups go on whose dead job is no longer kept.
 */
export class Janitor {
  private readonly complained = new Set<string>();
  private readonly refused = new Set<string>();

  constructor(
    private readonly storage: JanitorStorage,
    private readonly rules: JanitorRules,
    private readonly events: QueueEvents,
  ) {}

  async clean(): Promise<number> {
    for (const table of Object.keys(PARTITIONED) as PartitionedTable[]) await this.cleanTable(table);
    for (let batch = 0; batch < MAX_BATCHES && (await this.storage.periods.purge()) === 1_000; batch++);
    await this.liftBlocks();
    return jittered(this.rules.intervalMs);
  }

  /** A batch each round: it follows retention, which is not in a hurry either. */
  private async liftBlocks(): Promise<void> {
    for (const { queue, groups } of await this.storage.groups.liftBlocks())
      this.events.emit('warning', () => ({
        code: 'GROUP_RELEASED',
        message: `Queue "${queue}": ${groups} of its ordered groups go on, since the jobs that blocked them are no longer kept.`,
      }));
  }

  private async cleanTable(table: PartitionedTable): Promise<void> {
    const known = await this.storage.partitions.list(table);
    for (const name of this.storage.partitions.expired(table, known))
      await this.change(name, () => this.storage.partitions.drop(table, name));
    const missing = this.storage.partitions.missing(table, known, this.rules.keepMs[table]);
    for (const name of missing.filter((each) => !this.refused.has(each)))
      if (!(await this.change(name, () => this.storage.partitions.create(table, name)))) break;
    for (let batch = 0; batch < MAX_BATCHES && (await this.storage.partitions.purgeDefault(table)) === 1_000; batch++);
  }

  /**
   * False: somebody reads or changes the table, or we may not; said once, tried again next round. Where the default partition holds
   * rows of that time already, they stay there and go in batches: trying again would lock it for nothing.
   */
  private async change(name: string, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.isPassing) throwUnlessLocked(error);
      const { sqlState } = error as DatabaseError;
      if (sqlState === CHECK_VIOLATION) this.refused.add(name);
      if (!this.complained.has(name)) this.complain(name, error as Error);
      return sqlState === CHECK_VIOLATION;
    }
  }

  private complain(name: string, error: Error): void {
    this.complained.add(name);
    this.events.emit('warning', () => ({
      code: 'PARTITION',
      message: `Partition "${name}" could not be changed yet: ${error.message}`,
    }));
  }
}

function throwUnlessLocked(error: unknown): void {
  if (!(error instanceof DatabaseError) || error.sqlState !== LOCK_NOT_AVAILABLE) throw error;
}
