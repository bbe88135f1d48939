import { statement } from '../connection/statement.js';

/**
 * A page of the archive in some states ($2) and lanes ($3, null: all), newest id first. No index leads by lane, which every success would pay
 * for: at most $6 rows are walked, and where that was not enough, the last of them says where to go on. Of a group ($8) or a workflow ($9) nothing else is a hit. What finished after $7
 * expires after $7, so older partitions are left out.
 */
export const LIST_ARCHIVE = statement(
  'list_archive',
  `with walked as materialized (
    select id, state, lane, case when $8::text is not null or $9::text is not null then options end as options from simple_queue.archive where shard = $1 and id < $4::uuid and expires_at > $7::timestamptz
    order by id desc limit $6::int),
  hit as materialized (
    select id from walked where state = any($2::text[]) and ($3::int[] is null or lane = any($3::int[]))
      and ($8::text is null or options ->> 'group' = $8) and ($9::text is null or options ->> 'workflowId' = $9) order by id desc limit $5::int)
  (select id, true as hit from hit order by id desc) union all
  (select id, false from walked where (select count(*) from hit) < $5::int and (select count(*) from walked) = $6::int
    order by id limit 1)`,
);
