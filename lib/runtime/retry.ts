/** SQLSTATE classes and codes after which the same statement may succeed: connection, resources, operator, rollback. */
const TRANSIENT = /^(08|53|57P0|40001|40P01|55P03|57014|25006|55006)/;

/** Messages of `pg` and the operating system for a connection that is gone; those carry no SQLSTATE. */
const GONE =
  /timeout|terminated|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|not queryable|closed the connection/i;

/** Five characters with a digit among them: `EPIPE` is the operating system's. */
const SQL_STATE = /^(?=.*\d)[0-9A-Z]{5}$/;

export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && SQL_STATE.test(code) ? code : undefined;
}

/** Is the database away or busy, rather than the statement wrong? */
export function isTransient(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state) return TRANSIENT.test(state);
  // Not `instanceof Error`: Jest runs tests in a realm of their own, where errors of Node itself are no such thing.
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  return GONE.test(`${String(message)} ${String(code)}`);
}
