-- $1 smallint, $2 uuid, $3 double precision
prepare keep_lease as
update simple_queue.lease set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond' where id = $2::uuid and shard = $1;
