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

/**
 * The first words on a connection. The role, the database or its address may say that a statement has a millisecond: this one takes less, and each
 * statement of a message has a time of its own.
 */
const UNHURRIED = 'set statement_timeout = 0';

/** For a connection that is ours alone, once. */
export function forSession(settings: SessionSettings): string {
  return `${UNHURRIED}; select where ${assignments(settings, false)}`;
}

/** For a connection that only listens. */
export const forListening = (): string => `${UNHURRIED}; select where ${withoutNewer(false)}`;

/** Before a lone statement that changes a row, in one message with it. */
export const forMessage = (queryTimeoutMs: number): string =>
  `set local statement_timeout = ${serverMs(queryTimeoutMs)}; set local lock_timeout = 0; select where ${withoutNewer(true)}`;

/**
 * The beginning of a transaction: behind a pooler that hands each transaction another connection, nothing may be left on it. None of the
 * statements returns a row.
 */
export function forTransaction(settings: SessionSettings): string[] {
  return [
    'begin isolation level read committed',
    'set local statement_timeout = 0',
    `select where ${assignments(settings, true)}`,
  ];
}

/**
 * The reasons are in docs/adr/0002: text comes in the formats that the row mapper and the doctor read; plans never walk a table that was believed
 * small; isolation is READ COMMITTED whatever the database's default (others fail SKIP LOCKED claims);
 * no schema that others may write to is searched, where a function of a fitting name would run with our rights.
 * The server gives up a little before the client does, so that a slow statement ends instead of costing a connection.
 */
function assignments(
  { lockTimeoutMs, queryTimeoutMs, plans }: SessionSettings,
  local: boolean,
): string {
  const values = {
    enable_seqscan: 'off',
    random_page_cost: 0,
    jit: 'off',
    default_transaction_isolation: 'read committed',
    search_path: 'pg_catalog, pg_temp',
    timezone: 'UTC',
    datestyle: 'ISO',
    array_nulls: 'on',
    bytea_output: 'hex',
    extra_float_digits: 1,
    quote_all_identifiers: 'off',
    standard_conforming_strings: 'on',
    // Of ours only a process whose event loop is blocked is idle in one, and then its locks hold others up.
    idle_in_transaction_session_timeout: 10_000,
    lock_timeout: lockTimeoutMs,
    statement_timeout: serverMs(queryTimeoutMs),
    plan_cache_mode: plans === 'generic' ? 'force_generic_plan' : 'auto',
  };
  const all = Object.entries(values).map(([name, value]) => set(name, value, local));
  const durable = `${ASYNCHRONOUS} and ${set('synchronous_commit', 'on', local)}`;
  return [withoutNewer(local), ...all, durable].join(' or ');
}

const set = (name: string, value: string | number, local: boolean): string =>
  `pg_catalog.set_config('${name}', '${value}', ${local}) is null`;

const serverMs = (queryTimeoutMs: number): number => Math.max(1, Math.floor(queryTimeoutMs * 0.9));

/** Each ends the connection, and older servers (before 14, before 17) do not know it. */
function withoutNewer(local: boolean): string {
  return ['transaction_timeout', 'idle_session_timeout']
    .map(
      (name) =>
        `pg_catalog.current_setting('${name}', true) is not null and ${set(name, 0, local)}`,
    ) // prettier-ignore
    .join(' or ');
}

/** What was acknowledged to a worker survives a crash of the server, also where the database's default is off (it ends claims by it). */
const ASYNCHRONOUS = `pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off'`;
