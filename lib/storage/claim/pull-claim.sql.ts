import { statement } from '../connection/statement.js';
import { CLAIMED_COLUMNS, WHOLE_JOBS } from './claimed-columns.sql.js';
import { placesThatFit } from './that-fit.sql.js';
import { ACCOMPANIED, OWN_CLAIMS } from './own-claims.sql.js';

/**
 * A pulled claim and its lease, in one statement: whoever sees the one sees the other, and an empty answer writes nothing. Both have
 * one id ($2), so that a settle finds its claim by key. Queues in the order of their first lanes ($3), but paused ones; of a queue's lanes
 * that with the most urgent job first, unless there are over 100. All from the front: the caller has no cursor; of suspects and of others
 * no more than a thin line bears.
 *
 * Suspects are claimed here as well, since nobody else may serve these lanes. A lone one comes to a worker ($5) of which all that it
 * holds has been running for 5 s, and for some time nothing comes beside it, so that a crash under it is its own; of the others at most $6.
 */
export const PULL_CLAIM = statement(
  'pull_claim',
  `with open as materialized (
    select u.lane from unnest($3::int[]) with ordinality u(lane, n)
    cross join lateral (select queue from simple_queue.lane where id = u.lane offset 0) l
    cross join lateral (select from simple_queue.queue where id = l.queue and paused_at is null offset 0) q
    left join lateral (
      select priority from simple_queue.ready where lane = u.lane and shard = $1 and pg_catalog.cardinality($3::int[]) between 2 and 100
      order by priority, run_at, id limit 1) f on true
    order by min(u.n) over (partition by l.queue), f.priority, u.n),
  ${OWN_CLAIMS('$5')},
  lone as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select s.ctid from open q
      cross join lateral (
        select ctid from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion > 2
        order by suspicion, run_at, id limit 1 for update skip locked) s
      where not exists (
        select from simple_queue.lease where worker = $5 and shard = $1 and lone = any('{false,true}')
          and created_at > statement_timestamp() - interval '5 seconds' and expires_at > statement_timestamp()) limit 1))
    returning id, lane, run_at, epoch),
  room as materialized (
    select case when exists (select from lone) or exists (select from own where is_alone) then 0 else $4::int end as wanted),
  once as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      ${placesThatFit(`select s.ctid, s.id from open q
      cross join lateral (
        select ctid, id from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion < 3
        order by suspicion, run_at, id limit $6::int for update skip locked) s
      limit (select least(wanted, $6::int) from room)`)}))
    returning id, lane, run_at, epoch),
  next as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(
      ${placesThatFit(`select s.ctid, s.id from open q
      cross join lateral (
        select ctid, id from simple_queue.ready where lane = q.lane and shard = $1
        order by priority, run_at, id limit $4::int for update skip locked) s
      limit (select greatest(0, wanted - (select count(*) from once)) from room)`)}))
    returning id, lane, run_at, epoch),
  taken as (select * from lone union all select * from once union all select * from next),
  ${ACCOMPANIED('taken')},
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $2::uuid, array_agg(id), array_agg(epoch) from taken having count(*) > 0),
  leased as (
    insert into simple_queue.lease (id, shard, worker, expires_at, lanes, jobs, lone)
    select $2::uuid, $1, $5, statement_timestamp() + $7::float8 * interval '1 millisecond', $3, array_agg(id), exists (select from lone)
    from taken having count(*) > 0)
  select ${CLAIMED_COLUMNS}
  from taken n ${WHOLE_JOBS}
  order by j.priority, n.run_at, n.id`,
);
