-- $1 smallint, $2 uuid
prepare end_saga as
update simple_queue.workflow w set ended_at = statement_timestamp(), expires_at = statement_timestamp() + keep_ms * interval '1 millisecond',
    state = case when stop = 'abandoned' then 'cancelled'
      when exists (select from simple_queue.stage s where s.workflow = w.id and s.shard = $1 and s.n < 0 and s.open < s.jobs) then 'compensated'
      when stop = 'cancelled' then 'cancelled' else 'failed' end
  where id = $2::uuid and shard = $1 returning id, name, state, attempt;
