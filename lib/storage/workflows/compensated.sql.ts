/**
 * What the statements of all workflows know of compensation. What compensates the stage n is the stage -1 - n, without edges; its jobs are
 * drafts like others, and never begin by themselves.
 */

/** Whoever fails, or is cancelled, goes back: a saga whose compensations nobody has given up. */
export const goesBack = (stop: string): string =>
  `(w.saga and ${stop} is distinct from 'abandoned' and (${stop} is not null or w.failed + c.failed > 0))`;

/**
 * What has succeeded and can be compensated is written down under the lock of its workflow (`held`), which draws its `seq`. What was told as an arrival
 * has the number of that instead: it has ended when that was inserted, however late and beside whatever else it is taken up. Of a workflow that is
 * no saga not a row is looked at. What a step has added has no compensation.
 */
export const REMEMBERED = `remembered as (
    insert into simple_queue.undo (workflow, shard, seq, stage, item)
    select t.workflow, $1, coalesce(t.seq, nextval('simple_queue.turn')), s.stage, t.item from told t join held h on h.id = t.workflow and h.saga
    cross join lateral (
      select stage from simple_queue.step where workflow = t.workflow and shard = $1 and stage = -1 - t.stage and item = t.item offset 0) s
    where t.state = 'succeeded' and t.stage >= 0 order by t.stage, t.item)`;

/**
 * `ahead`: where a compensation has succeeded, the next one begins in the same statement, as a step behind another one does; the one before it is struck
 * out. Nobody else begins one meanwhile: the duty sees that one runs. What needs locks, comes to an end, or is about to stop, is for the duty.
 */
export const UNDONE_NEXT = `ahead as materialized (
    select n.* from (select workflow from counted where stage < 0 and failed_now = 0) c join held h on h.id = c.workflow and h.undoing
    cross join lateral (
      select * from simple_queue.undo where workflow = c.workflow and shard = $1 and not begun order by seq desc limit 1) n
    where (select s.plain from simple_queue.stage s where s.workflow = n.workflow and s.shard = $1 and s.n = n.stage)
      and not exists (select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = n.workflow)),
  struck as (delete from simple_queue.undo where shard = $1 and ctid = any(array(
    select u.ctid from ahead n cross join lateral (
      select ctid from simple_queue.undo where workflow = n.workflow and shard = $1 and seq > n.seq offset 0) u))),
  undoing as (update simple_queue.undo u set begun = true from ahead n where u.workflow = n.workflow and u.shard = $1 and u.seq = n.seq)`;

/** For `followed`: the job of that compensation; where one has ended and none has begun, what comes next is for the duty. */
export const UNDONE = {
  drafts: `
    union all select d.* from ahead n cross join lateral (
      select * from simple_queue.draft where workflow = n.workflow and shard = $1 and stage = n.stage and item = n.item offset 0) d`,
  more: [
    `union all select distinct $1, 'undo', null::uuid, null, workflow, null::int from counted
      where stage < 0 and workflow not in (select workflow from ahead)`,
  ],
};

/** A member of a `with`: how much of each stage is still to be compensated, by its number. */
export const DUE_BY_STAGE = `due as materialized (
    select jsonb_object_agg(stage, jsonb_build_object('due', due, 'begun', begun)) as by_stage from (
      select u.stage, count(*)::int as due, bool_or(u.begun and t.state is null) as begun from simple_queue.undo u
      cross join lateral (
        select state from simple_queue.step where workflow = u.workflow and shard = $1 and stage = u.stage and item = u.item offset 0) t
      where u.workflow = $2::uuid and u.shard = $1 and (not u.begun or t.state is distinct from 'succeeded') group by u.stage) d)`;

/** What has become of the compensation of the stage s; null: it has none. */
export const UNDO_OF_STAGE = `(
        select jsonb_build_object('jobs', c.jobs, 'open', c.open, 'failed', c.failed,
          'due', coalesce((select by_stage from due) -> c.n::text -> 'due'::text, '0'),
          'begun', coalesce((select by_stage from due) -> c.n::text -> 'begun'::text, 'false'),
          'ids', array(select t.id from simple_queue.step t where t.workflow = c.workflow and t.shard = $1 and t.stage = c.n order by t.item limit 100),
          'error', (select t.error from simple_queue.step t
            where c.failed > 0 and t.workflow = c.workflow and t.shard = $1 and t.stage = c.n and t.error is not null order by t.item limit 1))
        from simple_queue.stage c where w.saga and c.workflow = s.workflow and c.shard = $1 and c.n = -1 - s.n)`;

const UNDONE_STEP = `simple_queue.step t
  join simple_queue.step u on u.workflow = t.workflow and u.shard = $1 and u.stage = -1 - t.stage and u.item = t.item`;

/** How large is what a compensation undoes? */
export const UNDONE_SIZE = `coalesce((
    select octet_length(u.output::text) from ${UNDONE_STEP} where t.id = $2::uuid and t.shard = $1 and t.stage < 0), 0)`;

/** What it undoes: of a stage with many jobs the output of one, as a list. */
export const UNDONE_OUTPUT = `union all select s.name, s.many, jsonb_build_array(u.output) from ${UNDONE_STEP}
  join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = u.stage
  where t.id = $2::uuid and t.shard = $1 and t.stage < 0`;

/** Of the workflows `of` (id) the compensation that has begun and not ended. */
export const openUndo = (of: string): string => `select w.id, t.id as job from ${of} w
    cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
    where u.begun`;
