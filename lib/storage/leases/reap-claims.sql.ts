import { statement } from '../connection/statement.js';
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { arrived } from '../places/arrived.sql.js';
import { ended, keptByQueue, saidOf } from '../places/ended.sql.js';
import { fenced } from '../places/held.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';
import { stopped, vacated } from '../places/turns.sql.js';

const POISONED = `jsonb_build_object('name', 'QueueError', 'code', 'JOB_POISONED', 'message',
        'The process died ' || stalls + 1 || ' times while this job was suspected of it, at last while it ran alone.')`;

/**
 * The reaper's second statement: takes at most 20 claims that have no lease row and gives their jobs back.
 *
 * A claim's lease is committed before the claim, so whoever sees the claim without a lease sees the truth. Jobs are locked
 * skip locked: one that a slow worker is completing right now is left alone, and the claim stays for the next round; the
 * caller pages on behind $5, so that claims which cannot be freed yet hide no others.
 * What was in flight is suspected of having killed its process: once, twice, then (3, and odd ones above) it runs alone. Even ones above
 * were alone until others came beside them (accompany): a crash under them says nothing, and gives them longer alone. The second
 * crash under a suspect counts, and each under a lone one; where `maxStalls` are reached under a lone one, it is poisoned. Where one is enough,
 * only a lone one has it. Jobs whose cancel was requested end as cancelled.
 * `hasShares`: some process has a share of a limit, which may be a silent one.
 * Where the workers of a queue have said nothing, $2 are its `maxStalls`, and $3 and $4 say by its name how long what ended is kept, $6 what a dead job
 * does to its group.
 */
export const REAP_CLAIMS = statement(
  'reap_claims',
  `with lapsed as materialized (
    select c.id, c.jobs, c.epochs from simple_queue.claim c
    where c.shard = $1 and c.id > $5::uuid and not exists (select from simple_queue.lease l where l.id = c.lease and l.shard = $1)
    order by c.id limit 20 for update of c skip locked),
  held as materialized (
    select j.id, q.name, said.*, cancelled, alone and j.stalls + 1 >= most_stalls or j.epoch >= 2146999999 as poisoned
    from lapsed c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    ${fenced('id, queue, epoch, stalls, suspicion > 2 and suspicion % 2 = 1 as alone, cancel_at is not null as cancelled', 'for update skip locked')}
    left join simple_queue.queue q on q.id = j.queue
    cross join lateral (select coalesce((q.policy ->> 'maxStalls')::int, $2::int) as most_stalls, ${saidOf('onDeadJob', '$6')} as policy) said),
  back as (
    update simple_queue.job set epoch = epoch + 1, run_at = statement_timestamp(),
      stalls = stalls + (suspicion = 2 or suspicion > 2 and suspicion % 2 = 1)::int,
      suspicion = case when suspicion = 1 and id = any(array(select id from held where most_stalls = 1)) then 3
        when suspicion < 3 or suspicion % 2 = 0 then least(suspicion + 1, 9) else suspicion end
    where shard = $1 and id = any(array(select id from held where not cancelled and not poisoned))
    returning id, lane, queue, priority, run_at, epoch, suspicion, limit_key),
  ${placed('back', ['suspect', 'keyed'])},
  ending as (
    delete from simple_queue.job where shard = $1 and id = any(array(select id from held where cancelled or poisoned)) returning *),
  ${permitsAskedAnew('(select id, limit_key from back union all select id, limit_key from ending) t')},
  buried as (
    ${ended('dead_letter', { state: `'poisoned'`, stalls: 'stalls + 1', last_error: POISONED })}
    from ending e ${keptByQueue('e', 'deadLetter', '$3')}
    where cancel_at is null
    returning id, expires_at),
  kept as (
    ${ended('archive', { state: `'cancelled'` })}
    from ending e ${keptByQueue('e', 'archive', '$4')}
    where cancel_at is not null and expires_at is not null),
  turned as materialized (
    select e.id, e.group_name, e.queue, h.name, e.seq, case when cancelled then 'skip' else policy end as policy
    from ending e join held h on h.id = e.id where e.seq is not null),
  ${vacated(`turned where policy = 'skip'`)},
  ${stopped(`select t.group_name, $1, t.queue, t.id, t.seq, statement_timestamp(), b.expires_at, t.policy = 'halt'
    from turned t join buried b on b.id = t.id where t.policy <> 'skip'`)},
  ${arrived('ending', {
    state: `case when cancel_at is null then 'failed' else 'cancelled' end`,
    error: `case when cancel_at is null then ${POISONED} end`,
  })},
  ${outcomesOf('ending', {
    state: `case when cancel_at is null then 'poisoned' else 'cancelled' end`,
    error: `case when cancel_at is null then ${POISONED} end`,
  })},
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(
      select c.id from lapsed c where not exists (
        select from unnest(c.jobs, c.epochs) u(id, epoch)
        ${fenced('id', 'offset 0')}
        where not exists (select from held h where h.id = u.id)))))
  select (select count(*) from lapsed)::int as claims, (select id::text from lapsed order by lapsed.id desc limit 1) as last, (select count(*) from held)::int as jobs,
    (select count(*) from held where poisoned and not cancelled)::int as poisoned,
    (select count(*) from held where cancelled)::int as cancelled,
    exists (select from simple_queue.allotment where shard = $1) as "hasShares",
    (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'queue', name, 'group', group_name, 'onDeadJob', policy)), '[]')
      from turned where policy <> 'skip') as "deadJobs",
    (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'queue', h.name, 'name', l.name, 'laneId', e.lane, 'attempt', e.attempt + 1,
        'error', case when cancel_at is null then ${POISONED} end)), '[]')
      from ending e join held h on h.id = e.id left join simple_queue.lane l on l.id = e.lane) as ended`,
);
