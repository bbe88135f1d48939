import type { DataSource, EntityManager } from 'typeorm';

/** Errors of the library and of TypeORM both tell the SQLSTATE, at two places. */
function sqlStateOf(error: unknown): string | undefined {
  const { sqlState, code } = error as { sqlState?: string; code?: string };
  return sqlState ?? code;
}

/** Serialization failures and deadlocks: PostgreSQL asks for the whole transaction again. */
const REPEAT = ['40001', '40P01'];

export async function repeatOnConflict<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
  times = 3,
): Promise<T> {
  try {
    return await dataSource.transaction('SERIALIZABLE', work);
  } catch (error) {
    if (times <= 1 || !REPEAT.includes(sqlStateOf(error) ?? '')) throw error;
    return repeatOnConflict(dataSource, work, times - 1);
  }
}
