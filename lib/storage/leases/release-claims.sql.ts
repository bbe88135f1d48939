import { statement } from '../connection/statement.js';
import { fenced } from '../places/held.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';

/** Frees claims of a live lease whose answer was lost: their jobs never started, so nothing is suspected and nothing is spent. */
export const RELEASE_CLAIMS = statement(
  'release_claims',
  `with lost as materialized (
    select id, jobs, epochs from simple_queue.claim where shard = $1 and id = any($2::uuid[]) and lease = $3::uuid for update skip locked),
  moved as (
    update simple_queue.job set epoch = epoch + 1, run_at = statement_timestamp()
    where shard = $1 and id = any(array(
      select j.id from lost c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      ${fenced('id', 'for update')}))
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  ${placed('moved', ['ready', 'fair_ready', 'suspect', 'keyed'])},
  ${permitsAskedAnew('moved t')},
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(select id from lost)))
  select count(*)::int as jobs from moved`,
);
