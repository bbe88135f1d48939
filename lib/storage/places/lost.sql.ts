import { IN_CLAIMS } from './held.sql.js';
import { WAITING, isPlaceOf } from './places.sql.js';

/** The job `job` is in no claim at its epoch: whoever reads one job asks this. */
const inNoClaim = (job: string): string => `not exists (select from ${IN_CLAIMS}
      where c.shard = $1 and ${job}.id = any(c.jobs) and u.id = ${job}.id and u.epoch = ${job}.epoch)`;

/** The job `job` is in no place at all, as far as the snapshot shows: somebody has deleted its row, and it will never run. */
export const isLost = (job: string): string =>
  [
    ...WAITING.map(
      (place) =>
        `not exists (select from simple_queue.${place} p where ${isPlaceOf(place, job)} offset 0)`,
    ),
    inNoClaim(job),
  ].join('\n      and ');

/**
 * Those of `groups` whose turn nobody has, as far as the snapshot shows: no dead job, no vacancy, and no live job that is where jobs with a
 * turn stand. Its caller goes on with `and`, about `g`.
 */
export const turnless = (groups: string): string => `${groups} g
      where not exists (select from simple_queue.head h
          where h.group_name = g.group_name and h.shard = $1 and h.queue = g.queue and h.dead is not null offset 0)
        and not exists (select from simple_queue.vacant v where v.queue = g.queue and v.shard = $1 and v.group_name = g.group_name offset 0)
        and not exists (select from simple_queue.job o
          where o.group_name = g.group_name and o.shard = $1 and o.queue = g.queue and o.seq is not null
            and not exists (select from simple_queue.blocked b
              where b.group_name = o.group_name and b.shard = $1 and b.queue = o.queue and b.seq = o.seq offset 0)
            and not (${isLost('o')}))`;
