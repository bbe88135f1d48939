-- $1 smallint, $2 uuid[], $3 double precision
prepare keep_entered as
update simple_queue.allotment set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond'
  where shard = $1 and lease = any($2::uuid[]) and expires_at is not null;
