import { statement } from './statement.js';

/** Looks into the catalogue and the server's statistics; all of them open to an ordinary role, which sees less of other roles' sessions. */

export const SERVER_STATE = statement(
  'server_state',
  `select current_setting('server_version_num')::int as version, current_setting('server_version') as "versionText",
    statement_timestamp() as now, pg_catalog.pg_is_in_recovery()
      or (select setting = 'on' and source not in ('user', 'database user') from pg_catalog.pg_settings where name = 'default_transaction_read_only') as "readOnly",
    current_setting('server_encoding') as encoding, current_setting('fsync') = 'on' as fsync, current_setting('full_page_writes') = 'on' as "fullPageWrites",
    current_setting('autovacuum') = 'on' and current_setting('track_counts') = 'on' as autovacuum,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int as "maxConnections",
    (select sum(numbackends) from pg_catalog.pg_stat_database)::int as connections`,
);

/** How much of each limit of connections is taken that holds for this session: the server's, the database's, the role's. */
export const LIST_ROOM = statement(
  'list_room',
  `select 'the server' as of, (select sum(numbackends) from pg_catalog.pg_stat_database)::int as taken,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int as most
  union all select 'database "' || d.datname || '"', s.numbackends, d.datconnlimit
    from pg_catalog.pg_database d join pg_catalog.pg_stat_database s on s.datid = d.oid
    where d.datname = current_database() and d.datconnlimit > 0
  union all select 'role "' || r.rolname || '"', (select count(*) from pg_catalog.pg_stat_activity where usesysid = r.oid)::int, r.rolconnlimit
    from pg_catalog.pg_roles r where r.rolname = current_user and r.rolconnlimit > 0`,
);

/**
 * Who keeps vacuum from removing what died. Of other roles' sessions an ordinary role sees neither state nor times: not one that may have begun just
 * now, and looks as old as the oldest transaction that writes. Autovacuum and whoever is connecting have no role, and end by themselves.
 */
export const SNAPSHOT_HOLDERS = statement(
  'snapshot_holders',
  `select pid, usename::text as role, application_name as application, state, lower(substring(query from '^\\s*([A-Za-z]+)')) as verb,
    greatest(age(backend_xmin), age(backend_xid)) as transactions,
    (extract(epoch from statement_timestamp() - xact_start) * 1000)::float8 as "openMs"
  from pg_catalog.pg_stat_activity s
  where (datname = current_database() or datname is null) and pid <> pg_backend_pid() and (backend_xmin is not null or backend_xid is not null)
    and usesysid is not null and (xact_start is not null or backend_xid is not null
      or not exists (select from pg_catalog.pg_stat_activity o where age(o.backend_xid) >= age(s.backend_xmin)))
  order by xact_start nulls last, transactions desc limit 100`,
);

export const LIST_PREPARED_TRANSACTIONS = statement(
  'list_prepared_transactions',
  `select gid, owner::text as role, (extract(epoch from statement_timestamp() - prepared) * 1000)::float8 as "openMs"
  from pg_catalog.pg_prepared_xacts where database = current_database() order by prepared limit 10`,
);

export const LIST_REPLICATION_SLOTS = statement(
  'list_replication_slots',
  `select slot_name::text as name, active, greatest(age(xmin), age(catalog_xmin)) as transactions,
    case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn) end::float8 as "heldBytes"
  from pg_catalog.pg_replication_slots where database is null or database = current_database() order by slot_name limit 20`,
);

/** $1: the schema. How far vacuum is behind, by the server's own counters, and how much is on the disk; partitions among them. */
export const TABLE_VACUUMS = statement(
  'table_vacuums',
  `select c.relname::text as name, coalesce(s.n_dead_tup, 0)::float8 as dead, coalesce(s.n_live_tup, 0)::float8 as live,
    age(c.relfrozenxid) as age, current_setting('autovacuum_freeze_max_age')::int as "maxAge",
    (extract(epoch from statement_timestamp() - greatest(s.last_autovacuum, s.last_vacuum)) * 1000)::float8 as "vacuumedMs",
    exists (select from unnest(c.reloptions) o where split_part(o, '=', 1) = 'autovacuum_enabled' and not split_part(o, '=', 2)::boolean) as disabled,
    pg_total_relation_size(c.oid)::float8 as bytes
  from pg_catalog.pg_class c left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
  where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' order by 1`,
);

/** $1: the schema, $2: rights as `select job`. What this role lacks of them. Partitions are made by those alone who own the table. */
export const ROLE_RIGHTS = statement(
  'role_rights',
  `select has_schema_privilege(to_regnamespace($1), 'usage') as usage,
    array(select c.relname || ' (' || n.word || ')' from unnest($2::text[]) r cross join lateral split_part(r, ' ', 1) n(word)
      join pg_catalog.pg_class c on c.relnamespace = to_regnamespace($1) and c.relname = split_part(r, ' ', 2)
      where not case c.relkind when 'S' then has_sequence_privilege(c.oid, n.word) else has_table_privilege(c.oid, n.word) end order by 1) as missing,
    array(select c.relname::text from pg_catalog.pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind = 'p'
      and not pg_has_role(c.relowner, 'usage') order by 1) as foreign`,
);

/** What the sessions of the application's own pool begin with. */
export const SESSION_STATE = statement(
  'session_state',
  `select pg_catalog.current_setting('default_transaction_isolation') as isolation,
    pg_catalog.current_setting('default_transaction_read_only') as "readOnly",
    pg_catalog.array_to_string(pg_catalog.current_schemas(true), ',') as searched`,
);
