-- $1 smallint, $2 uuid, $3 text, $4 text, $5 jsonb
prepare begin_act as
insert into simple_queue.operator_action (id, shard, actor, action, selector) values ($2, $1, $3, $4, $5);
