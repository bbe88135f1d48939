import { statement } from '../connection/statement.js';
import { KEYS_ASKED } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';
import { unblocked } from './unblocked.sql.js';

/**
 * The turn duty's second statement, under the locks of these groups: hands each turn to the lowest blocked job, or ends the group where
 * none waits. A row that somebody holds locked (a cancel, or a commit of a staged job, in a user's transaction) is waited for by asking
 * again: what comes behind it must not overtake it. One that was changed since this statement began is not where it was: it is asked for again as well.
 * The place of a job that somebody has deleted goes, and the next look finds the one behind it.
 */
export const HAND_ON = statement(
  'hand_on',
  `with asked as materialized (
    select u.group_name, u.queue, (
      select b.seq from simple_queue.blocked b
      where b.group_name = u.group_name and b.shard = $1 and b.queue = u.queue order by b.seq limit 1) as seq
    from unnest($2::text[], $3::int[]) u(group_name, queue)),
  found as materialized (
    select a.group_name, a.queue, b.id, b.place, j.id as had from asked a
    cross join lateral (
      select ctid as place, id from simple_queue.blocked
      where group_name = a.group_name and shard = $1 and queue = a.queue and seq = a.seq limit 1 for update skip locked) b
    left join lateral (
      select id from simple_queue.job where id = b.id and shard = $1 limit 1 for update skip locked) j on true),
  next as materialized (
    select * from found f where had is not null or not exists (select from simple_queue.job where id = f.id and shard = $1 offset 0)),
  ${unblocked('select id from unblocked')},
  ${placed('moved', ['ready', 'suspect', 'scheduled', 'staged', 'keyed'], { ready: 'lane', suspect: 'id', scheduled: 'id' })},
  ${KEYS_ASKED},
  dealt as materialized (
    select group_name, queue, seq from asked where seq is null
    union all select group_name, queue, 0 from next where had in (select id from unblocked)),
  filled as (
    delete from simple_queue.vacant where shard = $1 and ctid = any(array(
      select v.ctid from dealt d cross join lateral (
        select ctid from simple_queue.vacant
        where group_name = d.group_name and shard = $1 and queue = d.queue limit 1 for update) v))),
  ended as (
    delete from simple_queue.head where shard = $1 and ctid = any(array(
      select h.ctid from dealt d cross join lateral (
        select ctid from simple_queue.head
        where group_name = d.group_name and shard = $1 and queue = d.queue limit 1 for update) h
      where d.seq is null)))
  select array(select distinct lane from readied) as lanes,
    ((select count(*) from scheduled) + (select count(*) from suspected) + (select count(*) from keyed))::int as later,
    (select count(*) from dealt)::int as dealt`,
);
