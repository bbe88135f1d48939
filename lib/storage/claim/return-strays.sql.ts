import { statement } from '../connection/statement.js';
import { IN_CLAIMS } from '../places/held.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { isPlaceOf, placed, WAITING } from '../places/places.sql.js';

const TOP_EPOCH = 2_147_000_000;

/**
 * What claims took from places that are not those of the jobs $2 (at the epochs $3 that were there). A job that is somewhere else, or
 * is held by a claim of its own, stays as it is: its run, its time and its turn are nobody else's business. One that was nowhere else
 * comes to where it belongs, at a new epoch. `locked`: somebody holds the job, so it has to be asked again.
 */
export const RETURN_STRAYS = statement(
  'return_strays',
  `with asked as materialized (
    select id, count(*) as strays from unnest($2::uuid[]) u(id) group by id),
  stray as materialized (
    select j.* from asked u cross join lateral (
      select id, lane, queue, priority, run_at, epoch, suspicion, group_name, seq, limit_key
      from simple_queue.job where id = u.id and shard = $1 for update skip locked) j),
  lost as materialized (
    select j.id from stray j
    where ${WAITING.map((place) => `not exists (select from simple_queue.${place} p where ${isPlaceOf(place, 'j')} and p.epoch = j.epoch)`).join('\n      and ')}
      and (select count(*) from ${IN_CLAIMS} where c.shard = $1 and u.id = j.id and u.epoch = j.epoch)
        <= (select count(*) from unnest($2::uuid[], $3::int[]) u(id, epoch) where u.id = j.id and u.epoch = j.epoch)),
  moved as (
    update simple_queue.job set epoch = least(epoch + 1, ${TOP_EPOCH}), run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from lost))
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, commit_by, limit_key),
  ${placed('moved', ['staged', 'suspect', 'fair_ready', 'ready', 'keyed'])},
  ${permitsAskedAnew('moved t')}
  select a.id::text as id, m.lane, coalesce(m.fair, false) as fair,
    m.suspicion > 0 or m.commit_by is not null or m.limit_key is not null as later,
    s.id is null and exists (select from simple_queue.job j where j.id = a.id and j.shard = $1) as locked
  from asked a left join stray s on s.id = a.id left join moved m on m.id = a.id`,
);
