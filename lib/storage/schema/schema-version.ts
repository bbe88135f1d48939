import type { Run } from '../connection/connections.js';
import { SCHEMA_VERSION_OF } from './schema-version.sql.js';

export interface Version {
  version: number;
  compatibleFrom: number;
}

/** undefined: the table has no row. @throws DatabaseError with 42P01 or 3F000 where there is no table. */
export async function readVersion(run: Run): Promise<Version | undefined> {
  const [row] = await run<Record<keyof Version, string>>(SCHEMA_VERSION_OF, []);
  return row && { version: Number(row.version), compatibleFrom: Number(row.compatibleFrom) };
}
