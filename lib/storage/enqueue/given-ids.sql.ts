import { statement } from '../connection/statement.js';

/** Of these ids: is a live job's, or that of a step, whatever has become of it; and which version of its note is the one that is seen now. */
export const FIND_GIVEN = statement(
  'find_given',
  `select u.id, exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step t where t.id = u.id and t.shard = $1 offset 0) as live,
    (select g.xmin::text from simple_queue.given_id g where g.id = u.id and g.shard = $1 offset 0) as version
  from pg_catalog.unnest($2::uuid[]) u(id)`,
);

/**
 * Which of these ids stand in archive or dead letter: callers' ids are remembered as long as those are kept. `offset 0` keeps a planner
 * from reading all that is kept into a hash.
 */
export const FIND_KEPT_IDS = statement(
  'find_kept_ids',
  `select u.id from pg_catalog.unnest($2::uuid[]) u(id)
  where exists (select from simple_queue.archive a where a.id = u.id and a.shard = $1 offset 0)
     or exists (select from simple_queue.dead_letter d where d.id = u.id and d.shard = $1 offset 0)`,
);

/**
 * Lets go of notes whose ids turned out to be free, so that the next insert takes them as new. Only of the versions that were seen before
 * that was found out: a rival that has taken an id over meanwhile has noted it again, and keeps it. Each note is locked by its key and then
 * compared, so that no plan compares all of them with all.
 */
export const FORGET_IDS = statement(
  'forget_ids',
  `delete from simple_queue.given_id where shard = $1 and id = any(array(
    select g.id from unnest($2::uuid[], $3::text[]) u(id, version)
    cross join lateral (
      select id, xmin::text as version from simple_queue.given_id where id = u.id and shard = $1 for update) g
    where g.version = u.version))`,
);

/**
 * The 1,000 oldest notes older than $2 milliseconds: those without a job go, the others are looked at again as much later. The row's lock
 * decides between this and whoever takes an id over, who deletes the row and writes another: what has come in by then is not met here.
 */
export const PURGE_GIVEN_IDS = statement(
  'purge_given_ids',
  `with old as materialized (
    select id, ctid as place from simple_queue.given_id
    where shard = $1 and noted_at > '-infinity' and noted_at < statement_timestamp() - $2::float8 * interval '1 millisecond'
    order by noted_at limit 1000 for update skip locked),
  known as materialized (
    select place from old
    where exists (select from simple_queue.job j where j.id = old.id and j.shard = $1 offset 0)
       or exists (select from simple_queue.archive a where a.id = old.id and a.shard = $1 offset 0)
       or exists (select from simple_queue.dead_letter d where d.id = old.id and d.shard = $1 offset 0)),
  kept as (
    update simple_queue.given_id set noted_at = statement_timestamp()
    where shard = $1 and ctid = any(array(select place from known))),
  gone as (
    delete from simple_queue.given_id
    where shard = $1 and ctid = any(array(select place from old where place not in (select place from known))))
  select count(*)::int as looked from old`,
);

/** By whoever replays the calls that these ids stand for. No row: it was replayed already. */
export const NOTE_REPLAYED = statement(
  'note_replayed',
  `insert into simple_queue.given_id (id, shard) select u.id, $1 from pg_catalog.unnest($2::uuid[]) u(id)
  on conflict do nothing returning id`,
);
