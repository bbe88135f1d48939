import { statement } from '../connection/statement.js';

/** Who holds the connections of this database: sessions that have in common what this role may see of them, the most first. */
export const LIST_SESSIONS = statement(
  'list_sessions',
  `select usename::text as role, application_name as application, state, count(*)::int as sessions,
    (max(extract(epoch from statement_timestamp() - state_change)) * 1000)::float8 as "restingMs",
    (max(extract(epoch from statement_timestamp() - xact_start)) * 1000)::float8 as "openMs"
  from pg_catalog.pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and (backend_type = 'client backend' or backend_type is null and usename is not null)
  group by 1, 2, 3 order by count(*) desc limit 100`,
);

/**
 * Ends sessions of this database: the one of the process $1, or those that have done nothing for $2 ms and are in no transaction; $3 false only
 * counts them. Of roles that this one may not end it sees no state.
 */
export const END_SESSIONS = statement(
  'end_sessions',
  `with picked as materialized (
    select pid from pg_catalog.pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
      and (pid = $1::int or state like 'idle%' and state_change < statement_timestamp() - $2::float8 * interval '1 millisecond')
    order by state_change limit 1000)
  select count(*)::int as sessions from picked where not $3::boolean or pg_catalog.pg_terminate_backend(pid)`,
);
