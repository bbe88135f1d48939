import type { DataSource } from 'typeorm';

/** TypeORM's default pool, where neither `poolSize` nor `extra.max` says otherwise (that of `pg`). */
const DEFAULT_POOL = 10;

/** Handlers that hold a transaction take at most half of the application's pool: all of it, and a second query of each would wait for ever. */
export function transactionLimit(dataSource: DataSource): number {
  const options = dataSource.options as { poolSize?: number; extra?: { max?: number } };
  return Math.max(1, Math.floor((options.extra?.max ?? options.poolSize ?? DEFAULT_POOL) / 2));
}
