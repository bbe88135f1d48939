-- $1 smallint, $2 text[], $3 text
prepare remove_schedules as
with gone as (
    delete from simple_queue.schedule where shard = $1 and name = any($2::text[]) and ($3::text is null or owner = $3) returning name),
  let_go as (
    update simple_queue.tick set outcome = 'skipped'
    where schedule = any(array(select name from gone)) and shard = $1 and outcome = 'waiting')
  select name from gone;
