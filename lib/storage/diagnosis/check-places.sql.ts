import { statement } from '../connection/statement.js';
import { IN_CLAIMS } from '../places/held.sql.js';
import { WAITING, repeatsJob } from '../places/places.sql.js';

/**
 * The invariant that everything else rests on: a live job is in exactly one place, at its own epoch, and a place holds
 * only live jobs, by their own lane and key; the turn of an ordered group is held by exactly one: a live job that is not blocked, a vacancy, or a dead job; and a job
 * has a permit of its key where it may run or runs, and nowhere else.
 * Each job is looked up by its id alone: a planner without statistics walked another key for each row.
 * Returns the breaches (of a group: with its dead job's id or none, and how often its turn is held). A claim may list jobs that are gone or have left it: only its live ones count.
 */
export const CHECK_PLACES = statement(
  'check_places',
  `with place as (
    ${WAITING.map((place) => `select p.id, p.epoch, '${place}' as place, j.id as job from simple_queue.${place} p left join lateral (select case when ${repeatsJob(place)} then j.id end as id from simple_queue.job j where j.id = p.id limit 1) j on true`).join('\n    union all ')}
    union all select u.id, u.epoch, 'claim', u.id from ${IN_CLAIMS}
      where exists (select from simple_queue.job j where j.id = u.id and j.epoch = u.epoch)),
  standing as (
    select coalesce(j.id, p.id) as id, j.epoch as epoch, j.id is not null as lives,
      array_agg(p.place || '@' || p.epoch) filter (where p.id is not null) as places
    from simple_queue.job j full join place p on p.job = j.id group by 1, 2, 3),
  turn as (
    select j.group_name, j.queue, j.id from simple_queue.job j
      where j.seq is not null and not exists (select from simple_queue.blocked b where b.id = j.id)
    union all select group_name, queue, null from simple_queue.vacant
    union all select group_name, queue, dead from simple_queue.head where dead is not null),
  held as (
    select h.dead as id, count(t.queue) as turns, h.queue || ' ' || h.group_name as name
    from simple_queue.head h full join turn t on t.group_name = h.group_name and t.queue = h.queue
    group by h.dead, h.group_name, h.queue, t.group_name, t.queue having h.queue is null or count(t.queue) <> 1),
  unfounded as (
    select coalesce(s.id, p.id) as id, p.id is null as missing
    from (select j.id from standing s join simple_queue.job j on j.id = s.id
      where j.limit_key is not null and split_part(s.places[1], '@', 1) in ('ready', 'fair_ready', 'suspect', 'claim')) s
    full join simple_queue.permit p on p.id = s.id where s.id is null or p.id is null)
  select id, epoch, lives, places from standing
  where not lives or places is null or cardinality(places) <> 1 or split_part(places[1], '@', 2)::int <> epoch
  union all select id, 0, false, array['group ' || coalesce(name, '?') || ': turn held ' || turns || ' times'] from held
  union all select id, 0, false, array[case when missing then 'no permit of its key' else 'a permit of a job that may not run' end] from unfounded`,
);
