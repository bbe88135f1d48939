-- $1 smallint, $2 uuid[], $3 text[]
prepare store_dependents as
insert into simple_queue.arrival (shard, kind, job, more)
  select $1, 'depend', j.id, pg_catalog.jsonb_build_object('epoch', j.epoch, 'awaits', u.awaits::jsonb)
  from unnest($2::uuid[], $3::text[]) u(id, awaits) join simple_queue.job j on j.id = u.id and j.shard = $1;
