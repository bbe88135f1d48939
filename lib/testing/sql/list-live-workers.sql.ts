import { statement } from '../../storage/connection/statement.js';

/** Worker processes other than this one ($2) whose lease has not run out. */
export const LIST_LIVE_WORKERS = statement(
  'list_live_workers',
  `select distinct worker from simple_queue.lease
  where shard = $1 and jobs is null and worker <> $2 and expires_at > statement_timestamp() order by worker limit 10`,
);
