import { isTransient, sqlStateOf } from '../../runtime/retry.js';
import { QueueError, type QueueErrorCode } from '../../job/queue.errors.js';

/** Classes whose messages carry values of rows or parameters: data exceptions and integrity violations. */
const TELLS_VALUES = /^2[23]/;

/** Data exceptions, violated constraints and limits of the server. */
const OF_ROWS = /^(22|23|54)/;
/** Of a constraint, which the server names. With only a table: none of its partitions takes the row, and its default partition is gone. */
const CHECK_VIOLATION = '23514';

/** Connection failures, shutdown, and want of resources say nothing of the statement. */
const SERVER_AWAY = /^(08|53|57P)/;

const PASSING: ReadonlySet<QueueErrorCode> = new Set([
  'DATABASE_UNAVAILABLE',
  'DATABASE_READ_ONLY',
  'LOCK_TIMEOUT',
]);

/** An error of the driver, without what it may carry of rows and parameters: payloads stay out of callers' logs. */
export class DatabaseError extends QueueError {
  override readonly name = 'DatabaseError';

  /** SQLSTATE, e.g. `40001` for a transaction to be repeated; undefined where the connection itself failed. */
  readonly sqlState: string | undefined;

  /** Nothing was done for certain. Else the connection may have broken behind the commit. */
  isUnsent: boolean;

  /** @internal Its connections make it. */
  constructor(
    doing: string,
    thrown: unknown,
    sqlState = sqlStateOf(thrown),
    /** How busy the event loop was meanwhile, if it hardly did anything else. */
    busyWords?: string,
  ) {
    const isBlocked = busyWords !== undefined && sqlState === undefined && isOverdue(thrown);
    const summary = isBlocked ? unread(busyWords) : summaryOf(thrown, sqlState);
    super(codeOf(thrown, sqlState), `Could not ${doing}: ${summary}`);
    this.sqlState = sqlState;
    this.isBlocked = isBlocked;
    this.isOfRows =
      OF_ROWS.test(sqlState ?? '') && tableWithoutPlace(thrown, sqlState) === undefined;
    this.isUnsent = wasUnsent(thrown, sqlState);
  }

  /** A clock of ours ran out while the event loop of this process was blocked: that says nothing of the database. */
  readonly isBlocked: boolean;

  /** What PostgreSQL refused is in the rows of the statement: others may be stored. */
  readonly isOfRows: boolean;

  /** It may go well a while later, as it is. */
  get isPassing(): boolean {
    return PASSING.has(this.code);
  }

  /** Its time was over, the server's clock or ours: with less to carry it may end. */
  get isTimeout(): boolean {
    return this.sqlState === undefined
      ? !this.isBlocked && /timeout/i.test(this.message)
      : this.sqlState === QUERY_CANCELED;
  }

  /** The database cannot be reached, or only reads: the statement would have been served on any other day. */
  get isAway(): boolean {
    return (
      this.code === 'DATABASE_READ_ONLY' ||
      (this.code === 'DATABASE_UNAVAILABLE' && !this.isRefusal)
    );
  }

  /** There was no connection to send anything on. */
  get isCrowded(): boolean {
    return this.message.includes(CROWDED);
  }

  /** The server replied, and said no to this very statement: a locked row, a value. Asking again as it is would be refused again. */
  get isRefusal(): boolean {
    return this.sqlState !== undefined && !SERVER_AWAY.test(this.sqlState);
  }
}

/** The server starts or stops, has no connection left, only reads. */
const NOT_SERVED = /^(57P03|53300|25006)$/;
/** Of the driver, whose connection was lost before; of PgBouncer, which had none to pass anything on to. */
const NOT_SENT =
  /not queryable|query_wait_timeout|no more connections allowed|server_login_retry|cannot connect to server/;
/** From before there was a connection: the same words as of one that broke under a statement. */
const UNCONNECTED = new WeakSet<object>();

export function unconnected(thrown: Error): Error {
  UNCONNECTED.add(thrown);
  return thrown;
}

function wasUnsent(thrown: unknown, sqlState = ''): boolean {
  const known = (thrown ?? {}) as { message?: unknown };
  return (
    UNCONNECTED.has(known) || NOT_SERVED.test(sqlState) || NOT_SENT.test(String(known.message))
  );
}

function tableWithoutPlace(thrown: unknown, sqlState: string | undefined): string | undefined {
  const { constraint, table } = (thrown ?? {}) as { constraint?: string; table?: string };
  return sqlState === CHECK_VIOLATION && !constraint ? table : undefined;
}

/** Of a standby, of sessions that are read-only by default, and of a transaction that was begun so. */
export const READ_ONLY = '25006';
/** Of a lock that was not to be had in time. */
export const LOCKED = '55P03';

const CROWDED = 'no connection of the server was free';
const ROOM =
  'Every connection of a process takes one of a pooler in session mode, and of the server: enlarge the pool (default_pool_size of PgBouncer), max_connections, or a named CONNECTION LIMIT, give it fewer processes at once, or see poolMode';

/** What PgBouncer says when it has no room, and the server: SQLSTATE 53300. */
const NO_ROOM = /query_wait_timeout|no more connections allowed/;

/** Before there was a connection, and at once. A pooler's `query_wait_timeout` has waited already. */
export const isFull = (thrown: Error & { code?: string }): boolean =>
  thrown.code === '53300' || thrown.message.includes('no more connections allowed');

const isOverdue = (thrown: unknown): boolean =>
  thrown instanceof Error && /timeout/i.test(thrown.message);

const unread = (busyWords: string): string =>
  `no reply was read before the timeout, and ${busyWords}. A reply may have come and lain unread. Find what blocks the loop (a handler that computes without a pause?), and move it to a worker thread`;

/** Of a connection that was opened and not served, which a pooler does whose own are all taken. */
export function unserved(thrown: Error & { code?: string }): Error {
  if (thrown.code !== undefined) return thrown;
  return new Error(`${CROWDED} (${thrown.message}). ${ROOM}`, { cause: thrown });
}

/** In a pooler's transaction mode another client's connection may be behind the name. */
const OF_A_POOLER =
  "something between here and the server forgets prepared statements, as a pooler in transaction mode does. Set preparedStatements: false, and poolMode: 'transaction' behind such a pooler";

/** What the server's own words do not say. */
const REASONS: Readonly<Record<string, string>> = {
  [READ_ONLY]:
    'this connection may only read. The server is a standby (use the address of the primary), default_transaction_read_only is on for the database or the role, or the transaction to join was begun READ ONLY',
  [LOCKED]:
    'another transaction held what it needs for too long: a unique key, an id, a group (all of a queue, where one call had more than 32), a limit or a job. Nothing was written. Repeat it, and look for transactions that stay open',
  '26000': OF_A_POOLER,
  '42P05': OF_A_POOLER,
};

export const QUERY_CANCELED = '57014';

/** Was a statement too much for its time? */
export const timedOut = (error: unknown): boolean =>
  error instanceof DatabaseError && error.isTimeout;

/** Serialization failure and deadlock: the transaction was rolled back, and may succeed when it is repeated. */
const CONFLICTS = new Set(['40001', '40P01']);

function codeOf(
  thrown: unknown,
  sqlState: string | undefined,
):
  | 'TRANSACTION_CONFLICT'
  | 'LOCK_TIMEOUT'
  | 'DATABASE_READ_ONLY'
  | 'DATABASE_UNAVAILABLE'
  | 'DATABASE_ERROR' {
  if (CONFLICTS.has(sqlState ?? '')) return 'TRANSACTION_CONFLICT';
  if (sqlState === READ_ONLY) return 'DATABASE_READ_ONLY';
  if (sqlState === LOCKED) return 'LOCK_TIMEOUT';
  return isTransient(thrown) ? 'DATABASE_UNAVAILABLE' : 'DATABASE_ERROR';
}

function summaryOf(thrown: unknown, sqlState: string | undefined): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!sqlState)
    return message || (thrown as { code?: string }).code || 'the database did not answer';
  if (sqlState === '53300' || NO_ROOM.test(message))
    return `${CROWDED} (${message}). ${ROOM} (SQLSTATE ${sqlState})`;
  const table = tableWithoutPlace(thrown, sqlState);
  if (table !== undefined)
    return `no partition of "${table}" takes the row, and "${table}_default" is gone (SQLSTATE ${sqlState})`;
  const reason = TELLS_VALUES.test(sqlState)
    ? 'PostgreSQL refused a value'
    : (REASONS[sqlState] ?? message);
  return `${reason} (SQLSTATE ${sqlState})`;
}
