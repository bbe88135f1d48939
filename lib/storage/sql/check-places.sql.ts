import { statement } from '../statement.js';

/**
 * The invariant that everything else rests on: a live job stands in exactly one place, at its own epoch, and a place holds
 * only live jobs. Answers the breaches. A claim may list jobs that are gone or have left it: only its live ones count.
 */
export const CHECK_PLACES = statement(
  'check_places',
  `with place as (
    select id, epoch, 'ready' as place from simple_queue.ready
    union all select id, epoch, 'scheduled' from simple_queue.scheduled
    union all select id, epoch, 'suspect' from simple_queue.suspect
    union all select u.id, u.epoch, 'claim' from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where exists (select from simple_queue.job j where j.id = u.id and j.epoch = u.epoch)),
  standing as (
    select coalesce(j.id, p.id) as id, j.epoch as epoch, j.id is not null as lives,
      array_agg(p.place || '@' || p.epoch) filter (where p.id is not null) as places
    from simple_queue.job j full join place p on p.id = j.id group by 1, 2, 3)
  select id, epoch, lives, places from standing
  where not lives or places is null or cardinality(places) <> 1 or split_part(places[1], '@', 2)::int <> epoch`,
);
