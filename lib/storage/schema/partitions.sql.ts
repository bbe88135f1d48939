import { statement, type Statement } from '../connection/statement.js';

/** The partitions of these tables ($1) by name, and the database's time. */
export const LIST_PARTITIONS = statement(
  'list_partitions',
  `select t.name as table, statement_timestamp() as now, array(
    select c.relname::text from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('simple_queue.' || t.name)::regclass) as names
  from pg_catalog.unnest($1::text[]) t(name)`,
);

/** Only one process at a time changes partitions; the others find it done at their next round. */
export const TRY_PARTITION_LOCK = statement(
  'try_partition_lock',
  `select pg_try_advisory_xact_lock(hashtextextended('simple_queue.partitions', 0)) as locked`,
);

/** What outlived its time in the default partition of a table, which no drop ever reaches; in bounded batches. */
const purgeDefault = (table: string): Statement =>
  statement(
    `purge_${table}_default`,
    `with gone as (
    delete from simple_queue.${table}_default where shard = $1 and ctid = any(array(
      select ctid from simple_queue.${table}_default where shard = $1 and expires_at < statement_timestamp()
      order by expires_at limit 1000 for update skip locked)) returning 1)
  select count(*)::int as gone from gone`,
  );

export const PURGE_ARCHIVE_DEFAULT = purgeDefault('archive');
export const PURGE_DEAD_LETTER_DEFAULT = purgeDefault('dead_letter');
export const PURGE_TALLY_DEFAULT = purgeDefault('tally');
