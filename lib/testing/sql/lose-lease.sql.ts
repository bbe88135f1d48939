import { statement } from '../../storage/connection/statement.js';
import { IN_CLAIMS, fenced } from '../../storage/places/held.sql.js';

/** Deletes the lease under which a job ($2) runs now, as a reaper does with one that has run out. No row: the job does not run. */
export const LOSE_LEASE = statement(
  'lose_lease',
  `with held as materialized (
    select c.lease from ${IN_CLAIMS}
    ${fenced('id', 'offset 0')}
    where c.shard = $1 and u.id = $2::uuid)
  delete from simple_queue.lease where shard = $1 and id = any(array(select lease from held)) returning worker`,
);
