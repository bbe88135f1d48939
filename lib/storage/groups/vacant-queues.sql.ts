/**
 * A member of a `with recursive`: the queues behind `after` with vacant turns, the n-th of them with its number n. A probe each, made as
 * they are read, however many turns are vacant: who reads it says how far.
 */
export const vacantQueues = (after: string): string => `hop(queue, n) as (
    (select queue, 1 from simple_queue.vacant where queue > ${after} and shard = $1 order by queue limit 1)
    union all
    select v.queue, h.n + 1 from hop h cross join lateral (
      select queue from simple_queue.vacant where queue > h.queue and shard = $1 order by queue limit 1) v)`;

/** Is a queue halted by a dead job? */
export const isHalted = (queue: string): string =>
  `exists (select from simple_queue.head x where x.queue = ${queue} and x.shard = $1 and x.halts offset 0)`;
