export interface SessionSettings {
  /** How long a statement waits for a lock that an application holds; 0: as long as the query timeout allows. */
  lockTimeoutMs: number;
  queryTimeoutMs: number;
  /**
   * Planned once: planning costs half a millisecond a claim. Or: what only inserts is prepared and keeps its plan, everything else is
   * not, and planned for the values at hand.
   */
  plans: 'generic' | 'insertions';
}

/** For a connection that is ours alone, once. */
export function forSession(settings: SessionSettings): string {
  return `${assignments(settings, 'set')} ${durable(false)}`;
}

/** For a transaction, with its begin: behind a pooler that hands each transaction another connection, nothing may be left on it. */
export function forTransaction(settings: SessionSettings): string {
  return `begin isolation level read committed; ${assignments(settings, 'set local')} ${durable(true)}`;
}

/**
 * The reasons are in docs/adr/0002: text comes in the formats that the row mapper and the doctor read; plans never walk a table that was believed
 * small; isolation is READ COMMITTED whatever the database's default (others fail SKIP LOCKED claims);
 * no schema that others may write to is searched, where a function of a fitting name would run with our rights.
 * The server gives up a little before the client does, so that a slow statement ends instead of costing a connection.
 */
function assignments(
  { lockTimeoutMs, queryTimeoutMs, plans }: SessionSettings,
  set: 'set' | 'set local',
): string {
  const values = {
    enable_seqscan: 'off',
    random_page_cost: 0,
    jit: 'off',
    default_transaction_isolation: `'read committed'`,
    search_path: 'pg_catalog, pg_temp',
    timezone: `'UTC'`,
    datestyle: `'ISO'`,
    array_nulls: 'on',
    bytea_output: `'hex'`,
    extra_float_digits: 1,
    quote_all_identifiers: 'off',
    standard_conforming_strings: 'on',
    idle_in_transaction_session_timeout: 60_000,
    lock_timeout: lockTimeoutMs,
    statement_timeout: Math.max(1, Math.floor(queryTimeoutMs * 0.9)),
    plan_cache_mode: plans === 'generic' ? 'force_generic_plan' : 'auto',
  };
  return Object.entries(values)
    .map(([name, value]) => `${set} ${name} = ${value};`)
    .join(' ');
}

/** What was acknowledged to a worker survives a crash of the server, also where the database's default is off (it ends claims by it). */
function durable(local: boolean): string {
  return `select set_config('synchronous_commit', 'on', ${local}) where current_setting('synchronous_commit') = 'off';`;
}
