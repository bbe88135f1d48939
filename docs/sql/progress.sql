-- $1 smallint, $2 uuid[], $3 integer[], $4 jsonb, $5 integer
prepare progress as
update simple_queue.job set progress = ($4::jsonb -> id::text) || jsonb_build_object('attempt', attempt + 1, 'at', statement_timestamp())
  where shard = $1 and id = any(array(
    select j.id from unnest($2::uuid[], $3::int[]) u(id, epoch)
    cross join lateral (select id, progress from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update skip locked) j
    where $5::int = 0 or j.progress is null or $4::jsonb -> j.id::text -> 'done' = $4::jsonb -> j.id::text -> 'of'
      or (j.progress ->> 'at')::timestamptz <= statement_timestamp() - $5::int * interval '1 millisecond'))
  returning id::text as id, progress;
