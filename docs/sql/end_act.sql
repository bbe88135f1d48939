-- $1 smallint, $2 uuid, $3 jsonb, $4 text
prepare end_act as
update simple_queue.operator_action set counts = $3, failed = $4, ended_at = statement_timestamp() where id = $2 and shard = $1;
