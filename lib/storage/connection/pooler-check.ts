import type { DataSource } from 'typeorm';
import { QueueError } from '../../job/queue.errors.js';
import { probePooling } from './connection-probes.js';
import { DatabaseError } from './database-errors.js';

/** A pooler replies at once, or has no further connection to give: then nothing can be known, and the start goes on. */
const PROBE_MS = 2_000;

/**
 * Asked at the start where something is before the server, before a setting of ours is on any connection.
 * @throws QueueError `INVALID_OPTION`.
 */
export async function refuseTransactionPooler(dataSource: DataSource): Promise<void> {
  const pooling = await probePooling({ dataSource, timeoutMs: PROBE_MS }).catch(ignoreDatabase);
  if (pooling !== 'transaction') return;
  throw new QueueError(
    'INVALID_OPTION',
    "There is a pooler in transaction mode before the server, and poolMode is 'session': settings of the library would get lost, and affect connections of other clients. " +
      "Set poolMode: 'transaction' with listenUrl (an address around the pooler) or wakeUp: 'off', and preparedStatements: false before PgBouncer 1.21; or give the DataSource an address around the pooler.",
  );
}

function ignoreDatabase(error: unknown): void {
  if (!(error instanceof DatabaseError)) throw error;
}
