import type { Database, Run } from './database.js';
import { SHARD } from './shard.js';
import { statement } from './statement.js';
import {
  LIST_PARTITIONS,
  PURGE_ARCHIVE_DEFAULT,
  PURGE_DEAD_LETTER_DEFAULT,
  SHORT_LOCKS,
  TRY_PARTITION_LOCK,
} from './sql/partitions.sql.js';

const DAY_MS = 86_400_000;

/** Ended jobs lie in partitions by the day (archive) or week (dead letter) at whose end they may go. */
export const PARTITIONED = {
  archive: { stepMs: DAY_MS, purge: PURGE_ARCHIVE_DEFAULT },
  dead_letter: { stepMs: 7 * DAY_MS, purge: PURGE_DEAD_LETTER_DEFAULT },
} as const;

export type PartitionedTable = keyof typeof PARTITIONED;

/** Partitions made ahead; what is to be kept longer lies in the default partition and goes in batches. */
const MAX_AHEAD = 100;

/** The partitions of archive and dead letter: made ahead of time, dropped when all of their rows have expired. */
export class PartitionRepository {
  constructor(private readonly database: Database) {}

  async list(table: PartitionedTable, run: Run = this.database.loops.run): Promise<{ now: Date; names: string[] }> {
    return (await run<{ now: Date; names: string[] }>(LIST_PARTITIONS, [table]))[0]!;
  }

  /** Names that should exist so that rows kept for `keepMs` find a partition. */
  missing(table: PartitionedTable, known: { now: Date; names: string[] }, keepMs: number): string[] {
    const { stepMs } = PARTITIONED[table];
    const first = Math.floor(known.now.getTime() / stepMs);
    const count = Math.min(Math.ceil(keepMs / stepMs) + 2, MAX_AHEAD);
    return Array.from({ length: count }, (_, index) => nameOf(table, (first + index) * stepMs)).filter(
      (name) => !known.names.includes(name),
    );
  }

  expired(table: PartitionedTable, known: { now: Date; names: string[] }): string[] {
    return known.names.filter((name) => (boundsOf(table, name)?.to ?? Infinity) <= known.now.getTime());
  }

  /** ATTACH, not PARTITION OF: it lets readers and writers of the parent go on. False when another process is at it. */
  create(table: PartitionedTable, name: string): Promise<boolean> {
    const { from, to } = boundsOf(table, name)!;
    const texts = [
      `create table simple_queue.${name} (like simple_queue.${table} including all)`,
      `alter table simple_queue.${table} attach partition simple_queue.${name} for values from ('${iso(from)}') to ('${iso(to)}')`,
    ];
    return this.change(table, (names) => (names.includes(name) ? [] : texts));
  }

  drop(table: PartitionedTable, name: string): Promise<boolean> {
    if (!boundsOf(table, name)) return Promise.resolve(false);
    return this.change(table, (names) => (names.includes(name) ? [`drop table simple_queue.${name}`] : []));
  }

  /** How many rows went; 1,000 at most. */
  async purgeDefault(table: PartitionedTable): Promise<number> {
    return (await this.database.loops.run<{ gone: number }>(PARTITIONED[table].purge, [SHARD]))[0]!.gone;
  }

  /** Asks again under the lock: another process may just have done it. DDL cannot bind: names are made here, of a table's name and digits. */
  private change(table: PartitionedTable, textsFor: (names: string[]) => string[]): Promise<boolean> {
    return this.database.loops.transaction(async (run) => {
      const [lock] = await run<{ locked: boolean }>(TRY_PARTITION_LOCK, []);
      if (!lock!.locked) return false;
      await run(SHORT_LOCKS, []);
      const { names } = await this.list(table, run);
      for (const text of textsFor(names)) await run(statement('', text), []);
      return true;
    });
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

function nameOf(table: PartitionedTable, from: number): string {
  return `${table}_p${iso(from).slice(0, 10).replaceAll('-', '')}`;
}

/** undefined for what is not one of ours, the default partition among it. */
function boundsOf(table: PartitionedTable, name: string): { from: number; to: number } | undefined {
  const [, year, month, day] = new RegExp(`^${table}_p(\\d{4})(\\d\\d)(\\d\\d)$`).exec(name) ?? [];
  if (!year) return undefined;
  const from = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return { from, to: from + PARTITIONED[table].stepMs };
}
