import { isTransient, sqlStateOf } from '../runtime/retry.js';
import { QueueError } from '../job/queue.errors.js';

/** Classes whose messages carry values of rows or parameters: data exceptions and integrity violations. */
const TELLS_VALUES = /^2[23]/;

/** An error of the driver, without what it may carry of rows and parameters: payloads stay out of callers' logs. */
export class DatabaseError extends QueueError {
  override readonly name = 'DatabaseError';

  constructor(
    doing: string,
    thrown: unknown,
    /** SQLSTATE, e.g. `40001` for a transaction to be repeated; undefined where the connection itself failed. */
    readonly sqlState = sqlStateOf(thrown),
  ) {
    super(isTransient(thrown) ? 'DATABASE_UNAVAILABLE' : 'DATABASE_ERROR', `Could not ${doing}: ${summaryOf(thrown, sqlState)}`);
  }
}

function summaryOf(thrown: unknown, sqlState: string | undefined): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!sqlState) return message || (thrown as { code?: string }).code || 'the database did not answer';
  return TELLS_VALUES.test(sqlState) ? `PostgreSQL refused a value (SQLSTATE ${sqlState})` : `${message} (SQLSTATE ${sqlState})`;
}
