import { statement } from '../connection/statement.js';
import { IN_CLAIMS } from '../places/held.sql.js';
import { WAITING, isPlaceOf, repeatsJob } from '../places/places.sql.js';

/**
 * The same as `check_places` for tables that are too large to be read whole: of the first $2 jobs by id, and of the first $2 rows
 * of each place, those that do not stand in exactly one place at their own epoch. Places are found by the key that the job itself names.
 * Turns of ordered groups are left out.
 */
export const CHECK_SOME_PLACES = statement(
  'check_some_places',
  `with held as materialized (
    select u.id, u.epoch, count(*) as n from ${IN_CLAIMS}
    where c.shard = $1 group by 1, 2),
  first as materialized (select * from simple_queue.job where shard = $1 order by id limit $2::int),
  standing as (
    select j.id, j.epoch, p.places || array_fill('claim@' || j.epoch, array[coalesce(h.n, 0)::int]) as places
    from first j left join held h on h.id = j.id and h.epoch = j.epoch cross join lateral (
      select array(
        ${WAITING.map((place) => `select '${place}@' || p.epoch from simple_queue.${place} p where ${isPlaceOf(place, 'j')} and p.lane = j.lane`).join('\n        union all ')}) as places) p),
  place as (
    ${WAITING.map(
      (
        place,
      ) => `select p.id, p.epoch, '${place}' as place from (select * from simple_queue.${place} where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where ${repeatsJob(place)} offset 0) j) l where l.n = 0`,
    ).join(' union all\n    ')})
  (select id, epoch, true as lives, places from standing
    where cardinality(places) <> 1 or split_part(places[1], '@', 2)::int <> epoch limit 1000)
  union all
  (select p.id, null, false, array[p.place || '@' || p.epoch] from place p limit 1000)`,
);
