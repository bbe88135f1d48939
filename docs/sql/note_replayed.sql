-- $1 smallint, $2 uuid[]
prepare note_replayed as
insert into simple_queue.given_id (id, shard) select u.id, $1 from pg_catalog.unnest($2::uuid[]) u(id)
  on conflict do nothing returning id;
