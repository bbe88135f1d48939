import { statement } from '../connection/statement.js';
import { KEYS_ASKED } from '../places/keys.sql.js';
import { isPlaceOf, placed } from '../places/places.sql.js';

/**
 * The first of two statements: takes a staged job for its commit. The job is found by its id alone: a planner that believes the index of
 * staged jobs small would walk it. Only one of commit, abort and expiry gets it. The second one needs a
 * snapshot of its own: meanwhile the job may have come from `blocked` to `staged`.
 */
export const TAKE_STAGED = statement(
  'take_staged',
  `select commit_by is not null as staged, commit_by > statement_timestamp() as "inTime"
  from simple_queue.job where id = $2::uuid and shard = $1 for update`,
);

/** The second: sets such jobs free, and forgets what they depended on. One in `blocked` goes on waiting for its turn; one that is nowhere is `lost`. */
export const COMMIT_STAGED = statement(
  'commit_staged',
  `with unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any($2::uuid[]) returning id),
  freed as (
    update simple_queue.job set commit_by = null, run_at = greatest(run_at, statement_timestamp()),
      options = nullif(options - 'dependsOn'::text, '{}'::jsonb)
    where id = any($2::uuid[]) and shard = $1 returning id, lane, queue, priority, run_at, epoch, group_name, seq, fair, limit_key),
  placed as (
    select f.* from freed f join unstaged u on u.id = f.id),
  ${placed('placed', ['ready', 'fair_ready', 'scheduled', 'keyed'])},
  ${KEYS_ASKED}
  select f.id, f.lane, f.run_at > statement_timestamp() as later, f.fair, f.limit_key is not null as keyed, u.id is not null as placed,
    u.id is null and not exists (select from simple_queue.blocked p where ${isPlaceOf('blocked', 'f')} offset 0) as lost
  from freed f left join unstaged u on u.id = f.id`,
);
