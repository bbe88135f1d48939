import { statement } from '../connection/statement.js';
import { CLAIMED_COLUMNS, claimedJobs, share } from './claimed-columns.sql.js';

const FIRST = `select group_name from simple_queue.fair_ready where lane = $3::int and shard = $1`;
const behind = (group: string): string => `coalesce(
      (${FIRST} and group_name > ${group} order by group_name limit 1),
      (${FIRST} order by group_name limit 1))`;

const allOf = (picked: string): string => `select p.ctid from (${picked}) p`;

/**
 * `wanted` jobs of lane $3, at most $5, an equal share from each of its groups, in a circle that begins behind the group $4 (null: with
 * the first). No more groups are looked at than jobs are wanted: a probe of the key each, however many jobs they have. Where jobs are left
 * over, the first groups get one more, and the next claim begins behind the last of those: over claims, shares differ by one.
 * `fitting`: which of the picked places (ctid, id; in that order) are taken; without it all of them.
 */
export const fairNext = (wanted: string, fitting = allOf): string => `hop as (
    select group_name, group_name as first, 1 as n from (select ${behind('$4::text')} as group_name) f where group_name is not null
    union all
    select x.group_name, h.first, h.n + 1 from hop h cross join lateral (select ${behind('h.group_name')} as group_name) x
    where h.n < least($5::int, 500) and x.group_name <> h.first),
  seen as materialized (select group_name, n, count(*) over () as groups from hop),
  next as (
    delete from simple_queue.fair_ready where shard = $1 and ctid = any(array(
      ${fitting(`select s.ctid, s.id from (select group_name, n, ${wanted} / groups + (n <= ${wanted} % groups)::int as share from seen order by n) g
      cross join lateral (
        select ctid, id from simple_queue.fair_ready where lane = $3::int and shard = $1 and group_name = g.group_name
        order by priority, run_at, id limit g.share for update skip locked) s`)}))
    returning id, lane, group_name, priority, run_at, epoch)`;

/** The last group that gets one job more than others. */
export const BEHIND_SHARES = 'select group_name from seen where n = ($5::int - 1) % groups + 1';

/** In turn from each group, in the circle's order, the most urgent of it first. Each row says behind which group the next claim begins. */
export const fairColumns = (jobs: string, after = BEHIND_SHARES): string =>
  `${CLAIMED_COLUMNS}, (${after}) from (
    select c.* from next c join seen g on g.group_name = c.group_name
    order by row_number() over (partition by c.group_name order by c.priority, c.run_at, c.id), g.n) n ${jobs}`;

/** Claims for a worker from one lane of a fair queue. */
export const CLAIM_FAIR = statement(
  'claim_fair',
  `with recursive ${fairNext('$5::int')},
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $6::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select ${fairColumns(claimedJobs(share('$5')))}`,
);
