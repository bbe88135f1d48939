-- $1 smallint, $2 uuid, $3 text, $4 double precision, $5 integer[], $6 text[], $7 jsonb
prepare take_lease as
insert into simple_queue.lease (id, shard, worker, expires_at, lanes, schedules, about)
  values ($2::uuid, $1, $3, statement_timestamp() + $4::float8 * interval '1 millisecond', $5::int[], $6::text[], $7::jsonb);
