-- $1 smallint, $2 uuid, $3 text, $4 jsonb, $5 jsonb
prepare end_adder as
insert into simple_queue.arrival (shard, kind, job, state, output, error) values ($1, 'end', $2::uuid, $3, $4::jsonb, $5::jsonb);
