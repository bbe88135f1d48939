/**
 * `simple_queue.ended`: which of these ids are kept in archive or dead letter queue, and under which end of their retention, by which a
 * partition is known. A plain look by id would lock each partition and index, until the caller's transaction ends: some 400 with
 * 90 days, more than a server's table of locks has room for in a few dozen transactions. Here a few partitions are looked into at a time,
 * in a subtransaction that is undone: that gives their locks back. What was found stays, since variables are no part of a transaction.
 *
 * Through the parents, so that the rights on those suffice. The names of the partitions say where each begins: together the stretches cover
 * all times, so that what lies in another partition is found as well, at the price of its locks.
 */
const ENDED = `create function simple_queue.ended(ids uuid[], out id uuid, out expires_at timestamptz) returns setof record
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $body$
#variable_conflict use_column
declare
  at_once constant int := 4;
  tables constant regclass[] := array['simple_queue.archive'::regclass, 'simple_queue.dead_letter'::regclass];
  parent regclass;
  bounds timestamptz[];
  found_ids uuid[];
  found_times timestamptz[];
begin
  foreach parent in array tables loop
    bounds := '-infinity'::timestamptz || array(
      select right(c.relname, 8)::date::timestamp at time zone 'UTC'
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = parent and c.relname ~ '_p\\d{8}$' order by 1)
      || 'infinity'::timestamptz;
    for n in 1 .. (cardinality(bounds) - 1) by at_once loop
      begin
        execute format('select array_agg(id), array_agg(expires_at) from %s
            where id = any($1) and shard = 0 and expires_at >= $2 and expires_at < $3', parent)
          into found_ids, found_times using ids, bounds[n], bounds[least(n + at_once, cardinality(bounds))];
        raise exception using errcode = 'SQ000';
      exception when sqlstate 'SQ000' then
        null;
      end;
      return query select * from unnest(found_ids, found_times);
    end loop;
  end loop;
end $body$`;

export const ENDED_JOBS = [
  ENDED,
  `comment on function simple_queue.ended is 'Which of these jobs are kept in archive or dead letter queue; locks a few partitions at a time.'`,
];
