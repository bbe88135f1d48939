-- $1 smallint, $2 jsonb
prepare expire_staged as
with due as materialized (
    select id from simple_queue.job where shard = $1 and commit_by <= statement_timestamp()
    order by commit_by limit 500 for update skip locked),
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(select id from due)) returning id),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(
      select b.ctid from due d
      cross join lateral (select group_name, queue, seq from simple_queue.job where id = d.id and shard = $1 offset 0) j
      cross join lateral (
        select ctid from simple_queue.blocked
        where group_name = j.group_name and shard = $1 and queue = j.queue and seq = j.seq limit 1 for update skip locked) b))
    returning id),
  gone as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from unstaged union all select id from unblocked))
    returning *),
  buried as (
    insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, history, progress)
    select id, $1, 'expired', lane, priority, attempt, stalls, reschedules, created_at, run_at, statement_timestamp(), expires_at, unique_key, fingerprint, options, payload, payload_bytes, jsonb_build_object('name', 'QueueError', 'code', 'COMMIT_EXPIRED', 'message',
        'The staged job was neither committed nor aborted in its time.'), history, progress
    from gone g cross join lateral (
      select statement_timestamp() + ($2::jsonb ->> case when $2::jsonb ? q.name then q.name else '' end)::float8
        * interval '1 millisecond' as expires_at
      from simple_queue.queue q where q.id = g.queue) k),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from gone where seq is not null and id in (select id from unstaged))
  select (select count(*) from due)::int as due, (select count(*) from gone)::int as expired;
