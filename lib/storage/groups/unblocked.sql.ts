/** Members: blocked jobs at these places have their turns; those of `moving` go to the places of jobs that have it (`moved`). */
export const unblocked = (
  moving: string,
  places = 'select place from next',
): string => `unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(${places})) returning id),
  moved as (
    update simple_queue.job set run_at = greatest(run_at, statement_timestamp())
    where shard = $1 and id = any(array(${moving})) returning id, lane, queue, priority, run_at, epoch, suspicion, commit_by, limit_key, group_name, fair)`;
