import type { QueueEvents } from '../observability/events.js';
import { DatabaseError } from '../storage/database-errors.js';
import { PARTITIONED, type PartitionedTable, type PartitionRepository } from '../storage/partition.repository.js';
import type { PeriodRepository } from '../storage/period.repository.js';
import { jittered } from './jitter.js';

export interface JanitorRules {
  intervalMs: number;
  /** The longest that any queue keeps its ended jobs. */
  keepMs: Readonly<Record<PartitionedTable, number>>;
}

/** A batch of the default partition; more wait for the next round. */
const MAX_BATCHES = 50;

const CHECK_VIOLATION = '23514';
const LOCK_NOT_AVAILABLE = '55P03';

/** Keeps partitions ahead of time and lets expired ones go (retention drops tables, it deletes no rows one by one); purges periods. */
export class Janitor {
  private readonly complained = new Set<string>();
  private readonly refused = new Set<string>();

  constructor(
    private readonly partitions: PartitionRepository,
    private readonly periods: PeriodRepository,
    private readonly rules: JanitorRules,
    private readonly events: QueueEvents,
  ) {}

  async clean(): Promise<number> {
    for (const table of Object.keys(PARTITIONED) as PartitionedTable[]) await this.cleanTable(table);
    for (let batch = 0; batch < MAX_BATCHES && (await this.periods.purge()) === 1_000; batch++);
    return jittered(this.rules.intervalMs);
  }

  private async cleanTable(table: PartitionedTable): Promise<void> {
    const known = await this.partitions.list(table);
    for (const name of this.partitions.expired(table, known)) await this.change(name, () => this.partitions.drop(table, name));
    const missing = this.partitions.missing(table, known, this.rules.keepMs[table]);
    for (const name of missing.filter((each) => !this.refused.has(each)))
      if (!(await this.change(name, () => this.partitions.create(table, name)))) break;
    for (let batch = 0; batch < MAX_BATCHES && (await this.partitions.purgeDefault(table)) === 1_000; batch++);
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
