-- $1 smallint, $2 uuid
prepare note_replayed as
insert into simple_queue.given_id (id, shard) values ($2::uuid, $1) on conflict do nothing returning id;
