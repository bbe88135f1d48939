-- $1 smallint
prepare purge_workflows as
with due as materialized (
    select id, jobs from simple_queue.workflow where shard = $1 and expires_at <= statement_timestamp() order by expires_at limit 100
    for update skip locked),
  old as materialized (select id from (select id, sum(jobs) over (order by id) - jobs as before from due) d where before < 10000),
  drafts as (delete from simple_queue.draft where shard = $1 and workflow = any(array(select id from old))),
  steps as (delete from simple_queue.step where shard = $1 and workflow = any(array(select id from old))),
  undos as (delete from simple_queue.undo where shard = $1 and workflow = any(array(select id from old))),
  edges as (delete from simple_queue.edge where shard = $1 and workflow = any(array(select id from old))),
  stages as (delete from simple_queue.stage where shard = $1 and workflow = any(array(select id from old))),
  gone as (delete from simple_queue.workflow where shard = $1 and id = any(array(select id from old)) returning 1)
  select count(*)::int as purged from gone;
