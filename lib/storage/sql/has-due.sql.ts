import { statement } from '../statement.js';

/** Does anything of these lanes ($2) run, or could it run now or as soon as a vacant turn is handed on? Looks no further than the first row. */
export const HAS_DUE = statement(
  'has_due',
  `select exists (select from unnest($2::int[]) q(lane) cross join lateral (
      (select 1 from simple_queue.ready where lane = q.lane and shard = $1 limit 1) union all
      (select 1 from simple_queue.fair_ready where lane = q.lane and shard = $1 limit 1) union all
      (select 1 from simple_queue.suspect where lane = q.lane and shard = $1 limit 1)) s)
    or exists (select from simple_queue.scheduled where shard = $1 and run_at <= statement_timestamp() and lane = any($2::int[]))
    or exists (select from simple_queue.vacant v cross join lateral (
      select lane from simple_queue.blocked where group_name = v.group_name and shard = $1 and queue = v.queue limit 1) b
      where v.shard = $1 and b.lane = any($2::int[])
        and not exists (select from simple_queue.head h where h.queue = v.queue and h.shard = $1 and h.halts offset 0))
    or exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      cross join lateral (select lane from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
      where c.shard = $1 and j.lane = any($2::int[])) as due`,
);
