/** SQLSTATE classes and codes after which the same statement may succeed: connection, resources, operator, rollback. */
const TRANSIENT = /^(08|53|57P0|40001|40P01|55P03|57014|25006|55006)/;

/** Messages of `pg` and the operating system for a connection that is gone; those carry no SQLSTATE. */
const GONE = /timeout|terminated|ECONN|EPIPE|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|not queryable|closed the connection/i;

export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Is the database away or busy, rather than the statement wrong? */
export function isTransient(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state) return TRANSIENT.test(state);
  return error instanceof Error && (GONE.test(error.message) || GONE.test(String((error as { code?: unknown }).code)));
}
