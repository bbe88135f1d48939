import { QueueError } from '../../job/queue.errors.js';
import type { ResolvedOptions } from '../../options/simple-queue.options.js';
import { codeOf } from '../../spool/files.js';
import { Spool } from '../../spool/spool.js';
import type { SpoolSettings } from '../../spool/state.js';
import type { Database } from './database.js';
import { TABLES_NAME } from './tables-name.sql.js';

/** Where the application says nothing. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The spool of this process, for the tables of this database. @throws QueueError `INVALID_OPTION` where its folder cannot be written. */
export async function spoolOf(
  database: Database,
  { spool, schema, leaseMs }: Pick<ResolvedOptions, 'spool' | 'schema' | 'leaseMs'>,
  warn: SpoolSettings['warn'],
): Promise<Spool> {
  const [row] = await database.callers.run<{ name: string }>(TABLES_NAME, []);
  const { folder, maxBytes = MAX_BYTES } = spool!;
  const named = { database: `${row!.name}/${schema}`, staleMs: leaseMs };
  try {
    return await Spool.open({ folder, maxBytes, ...named, warn });
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error';
    throw new QueueError(
      'INVALID_OPTION',
      `The folder of the spool, "${folder}", cannot be written: ${code}. Give spool.folder a path on a disk that outlives the process, where its user may create files.`,
      { cause: error },
    );
  }
}
