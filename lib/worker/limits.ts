import type { DataSource } from 'typeorm';
import type { ResolvedOptions } from '../options/simple-queue.options.js';

/** TypeORM's default pool, where neither `poolSize` nor `extra.max` says otherwise (that of `pg`). */
const DEFAULT_POOL = 10;

/** Handlers that hold a transaction take at most half of the application's pool: all of it, and a second query of each would wait for ever. */
export function transactionLimit(dataSource: DataSource): number {
  const options = dataSource.options as { poolSize?: number; extra?: { max?: number } };
  return Math.max(1, Math.floor((options.extra?.max ?? options.poolSize ?? DEFAULT_POOL) / 2));
}

/** The longest that any queue keeps its ended jobs: that far ahead partitions are made. */
export function longestKeepMs(options: ResolvedOptions): { archive: number; dead_letter: number } {
  const settings = [...options.queues.values()];
  const archives = [options.archive, ...settings.map((queue) => queue.archive)];
  const deadLetters = [options.deadLetter, ...settings.map((queue) => queue.deadLetter)];
  return {
    archive: Math.max(0, ...archives.map((kept) => (kept ? kept.keepMs : 0))),
    dead_letter: Math.max(0, ...deadLetters.map((kept) => kept?.keepMs ?? 0)),
  };
}
