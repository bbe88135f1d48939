-- $1 smallint, $2 uuid, $3 text, $4 jsonb, $5 jsonb, $6 bigint
prepare end_adder as
insert into simple_queue.arrival (id, shard, kind, job, state, output, error) values ($6::bigint, $1, 'end', $2::uuid, $3, $4::jsonb, $5::jsonb);
