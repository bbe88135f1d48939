import { statement } from '../statement.js';
import { CLAIMED_COLUMNS } from './claimed-columns.sql.js';

/**
 * At most $5 jobs of lane $3, an equal share from each of at most 64 groups behind the group $4 (null: from the first). The groups are hopped
 * over, one probe of the key each, however many jobs they have.
 */
export const fairNext = (limit: string): string => `hop as (
    select group_name, 1 as n from (
      (select group_name from simple_queue.fair_ready
        where lane = $3::int and shard = $1 and $4::text is null order by group_name limit 1)
      union all
      (select group_name from simple_queue.fair_ready
        where lane = $3::int and shard = $1 and group_name > $4::text order by group_name limit 1)) first
    union all
    select x.group_name, h.n + 1 from hop h cross join lateral (
      select group_name from simple_queue.fair_ready
      where lane = $3::int and shard = $1 and group_name > h.group_name order by group_name limit 1) x
    where h.n < 64),
  seen as materialized (select group_name from hop order by group_name),
  next as (
    delete from simple_queue.fair_ready where shard = $1 and ctid = any(array(
      select s.ctid from seen g cross join lateral (
        select ctid from simple_queue.fair_ready where lane = $3::int and shard = $1 and group_name = g.group_name
        order by priority, run_at, id
        limit ceil($5::float8 / (select count(*) from seen))::bigint for update skip locked) s
      limit ${limit}))
    returning id, lane, group_name, run_at, epoch)`;

/** Each row tells the last group of which a job was taken, how many groups were looked at, and the last of them: where the next claim starts. */
export const FAIR_COLUMNS = `${CLAIMED_COLUMNS}, (select max(group_name) from next), (select count(*) from seen), (select max(group_name) from seen)
  from next n cross join lateral (select * from simple_queue.job where id = n.id and shard = $1 offset 0) j`;

/** Claims for a worker from one lane of a fair queue. */
export const CLAIM_FAIR = statement(
  'claim_fair',
  `with recursive ${fairNext('$5::int')},
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $6::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select ${FAIR_COLUMNS}`,
);
