/** A member of a `with`: the turns of the groups of `from` are vacant. */
export const vacated = (from: string): string => `vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from ${from})`;

/** How a `head` says that no dead job holds the turn of its group; whoever writes it makes the turn vacant, or gives it to a job. */
export const UNBLOCKED =
  'dead = null, dead_seq = null, dead_at = null, dead_until = null, halts = false';

/** Members that let the groups go on whose heads have the ctids of `heads`. */
export const released = (heads: string): string => `freed as (
    update simple_queue.head set ${UNBLOCKED}
    where shard = $1 and ctid = any(array(select ctid from ${heads})) returning group_name, queue),
  ${vacated('freed')}`;

/** Dead jobs hold the turns of their groups: `select` returns them in the order of these columns. */
export const stopped = (select: string): string => `stopped as (
    insert into simple_queue.head (group_name, shard, queue, dead, dead_seq, dead_at, dead_until, halts)
    ${select}
    on conflict (group_name, shard, queue) do update
      set dead = excluded.dead, dead_seq = excluded.dead_seq, dead_at = excluded.dead_at, dead_until = excluded.dead_until,
        halts = excluded.halts)`;

/**
 * Members that begin the groups of what was `stored`, where nobody has: whether a job has its turn is decided by this insert, never by a
 * snapshot. While a dead job halts the queue, a new group begins with its turn vacant.
 */
export const BEGUN = `headed as (
    insert into simple_queue.head (group_name, shard, queue)
    select distinct group_name, $1::smallint, queue from stored where seq is not null
    on conflict do nothing
    returning group_name, queue),
  begun as materialized (
    select h.*, exists (select from simple_queue.head x where x.queue = h.queue and x.shard = $1 and x.halts offset 0) as halted
    from headed h),
  ${vacated('begun where halted')}`;

/** Members that part what was `stored` into what has not its turn, by the ids of `turned`, and what is free to have another place. */
export const TURNED_OR_BLOCKED = `blocked as (
    insert into simple_queue.blocked (group_name, shard, queue, seq, id, lane, epoch)
    select group_name, $1, queue, seq, id, lane, epoch from stored where seq is not null and id not in (select id from turned)),
  free as materialized (select * from stored where seq is null or id in (select id from turned))`;
