import { statement } from '../connection/statement.js';

/** The live job that holds a unique key of a queue. */
export const FIND_BY_UNIQUE_KEY = statement(
  'find_by_unique_key',
  `select j.id from simple_queue.job j
  where j.unique_key = $2 and j.shard = $1 and j.queue = (select q.id from simple_queue.queue q where q.name = $3)`,
);

/**
 * At most 1,000 live jobs of a workflow, of one queue or ($3 null) of all, that were not asked to stop yet; but $4. $5, unless null: only as long as
 * that workflow stops or has ended. Whoever stops it may be late, and its next attempt has begun.
 */
export const FIND_BY_WORKFLOW = statement(
  'find_by_workflow',
  `select j.id from simple_queue.job j
  where j.options ->> 'workflowId'::text = $2 and j.shard = $1 and j.cancel_at is null and not j.id = any($4::uuid[])
    and ($3::text is null or j.queue = (select q.id from simple_queue.queue q where q.name = $3))
    and not exists (select from simple_queue.workflow w where w.id = $5::uuid and w.shard = $1 and w.state = 'running' and w.stop is null) limit 1000`,
);

/** At most 1,000 live jobs of a group of a queue that were not asked to stop yet, the last ones first: so none of them gets its turn meanwhile. */
export const FIND_BY_GROUP = statement(
  'find_by_group',
  `select j.id from simple_queue.job j
  where j.group_name = $2 and j.shard = $1 and j.queue = (select q.id from simple_queue.queue q where q.name = $3) and j.cancel_at is null
  order by j.seq desc limit 1000`,
);

/** At most 1,000 live jobs with a fingerprint, of one queue or ($3 null) of all, that were not asked to stop yet. */
export const FIND_BY_FINGERPRINT = statement(
  'find_by_fingerprint',
  `select j.id from simple_queue.job j
  where j.fingerprint = $2 and j.shard = $1 and j.cancel_at is null
    and ($3::text is null or j.queue = (select q.id from simple_queue.queue q where q.name = $3)) limit 1000`,
);
