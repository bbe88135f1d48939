import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';
import { WAITING, ofLane } from '../places/places.sql.js';

/** Is lane `l` used: served by a live worker, the place of a job that waits, that of a step to come, or where ends are stored? */
const USED = `exists (select from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))
    ${WAITING.map((place) => `or exists (select from ${ofLane(place, 'l.id')})`).join('\n    ')}
    or exists (select from simple_queue.draft where lane = l.id and shard = $1)
    or exists (select from simple_queue.outcome where lane = l.id)`;

/** Lanes of jobs that run; read only where it matters. */
const running = (where: string): string => `running as materialized (
    select distinct j.lane from ${IN_CLAIMS}
    ${fenced('lane', 'offset 0')}
    where c.shard = $1 and exists (${where}))`;

/**
 * A page of at most $3 lanes behind $2: notes since when nobody uses them, and takes the note from those that are used. An enqueue does not
 * see a lane with a note, and registers it again, which takes the note away: so nothing comes in that the removal, a long time later, would
 * not see.
 */
export const NOTE_UNUSED_LANES = statement(
  'note_unused_lanes',
  `with page as materialized (
    select l.id, l.unused_at, not (${USED}) as idle from simple_queue.lane l
    where l.id > $2 and l.created_at < statement_timestamp() - interval '1 hour' order by l.id limit $3::int),
  ${running('select from page where idle and unused_at is null')},
  judged as materialized (select id, unused_at, idle and id not in (select lane from running) as idle from page),
  locked as materialized (
    select l.id, u.idle from judged u cross join lateral (
      select id from simple_queue.lane where id = u.id and (u.unused_at is null) = u.idle for update skip locked) l),
  noted as (
    update simple_queue.lane set unused_at = case when k.idle then statement_timestamp() end from locked k where lane.id = k.id)
  select max(id) as last, count(*)::int as lanes from page`,
);

/**
 * Removes at most $3 lanes that nobody has used for $2 milliseconds, with queues of which it was the last. What a dead letter is from
 * stays, and so does a queue that is paused, has ordered groups, or periods of keys, or reports its ends to another.
 */
export const REMOVE_UNUSED_LANES = statement(
  'remove_unused_lanes',
  `with old as materialized (
    select id from simple_queue.lane where unused_at < statement_timestamp() - $2::float8 * interval '1 millisecond'
    order by unused_at limit $3::int for update skip locked),
  idle as materialized (
    select l.id from old l where not (${USED})
      and not exists (select from simple_queue.dead_letter where lane = l.id and shard = $1)),
  ${running('select from idle')},
  gone as (
    delete from simple_queue.lane where id = any(array(select id from idle)) and id not in (select lane from running)
    returning id, queue),
  emptied as (
    delete from simple_queue.queue q where q.id = any(array(select queue from gone)) and q.paused_at is null
      and not exists (select from simple_queue.lane l where l.queue = q.id and l.id not in (select id from gone))
      and q.id not in (select queue from simple_queue.head where exists (select from gone))
      and q.id not in (select queue from simple_queue.throttle where exists (select from gone))
      and q.id not in (select queue from simple_queue.outcome where exists (select from gone))
    returning q.id),
  rooms as (delete from simple_queue.headroom where shard = $1 and queue = any(array(select id from emptied)))
  select (select count(*) from gone)::int as lanes, (select count(*) from emptied)::int as queues`,
);
