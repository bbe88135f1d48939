import type { QueueEvents } from '../observability/events.js';
import { DatabaseError } from '../storage/database-errors.js';
import { PARTITIONED, type PartitionedTable, type PartitionRepository } from '../storage/partition.repository.js';
import { jittered } from './jitter.js';

export interface JanitorRules {
  intervalMs: number;
  /** The longest that any queue keeps its ended jobs. */
  keepMs: Readonly<Record<PartitionedTable, number>>;
}

/** A batch of the default partition; more wait for the next round. */
const MAX_BATCHES = 50;

/** Keeps partitions ahead of time and lets expired ones go: retention drops tables, it deletes no rows one by one. */
export class Janitor {
  private readonly complained = new Set<string>();

  constructor(
    private readonly partitions: PartitionRepository,
    private readonly rules: JanitorRules,
    private readonly events: QueueEvents,
  ) {}

  async clean(): Promise<number> {
    for (const table of Object.keys(PARTITIONED) as PartitionedTable[]) await this.cleanTable(table);
    return jittered(this.rules.intervalMs);
  }

  private async cleanTable(table: PartitionedTable): Promise<void> {
    const known = await this.partitions.list(table);
    for (const name of this.partitions.expired(table, known)) await this.change(name, () => this.partitions.drop(table, name));
    const missing = this.partitions.missing(table, known, this.rules.keepMs[table]);
    for (const name of missing) if (!(await this.change(name, () => this.partitions.create(table, name)))) break;
    for (let batch = 0; batch < MAX_BATCHES && (await this.partitions.purgeDefault(table)) === 1_000; batch++);
  }

  /** Somebody reads the table, or the default partition holds rows of that time: said once, tried again next round. */
  private async change(name: string, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code === 'DATABASE_UNAVAILABLE') throwUnlessLocked(error);
      if (!this.complained.has(name)) this.complain(name, error as Error);
      return false;
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
  if (!(error instanceof DatabaseError) || error.sqlState !== '55P03') throw error;
}
