-- $1 smallint, $2 uuid[], $3 integer[]
prepare fetch_heavy as
select id, cancel_at, options, payload, payload_bytes, last_error from (
    select *, row_number() over () as place, sum(coalesce(octet_length(payload::text), 0) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0)) over (rows unbounded preceding) as bytes from (
      select id, cancel_at::text, options::text, payload::text, payload_bytes, last_error::text from (
        select *, sum(coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0)) over (rows between unbounded preceding and 1 preceding) as before from (select j.* from unnest($2::uuid[], $3::int[]) n(id, epoch)
      cross join lateral (select * from simple_queue.job where id = n.id and shard = $1 and epoch = n.epoch offset 0) j) s) l
      where before is null or before < 1048576 offset 0) t) w
  where place = 1 or bytes <= 1048576;
