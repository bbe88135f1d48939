import { statement } from '../connection/statement.js';
import { fenced } from '../places/held.sql.js';

/**
 * Keeps with running jobs how far they say that they have come ($4 by id), fenced by epoch. A column that no index knows, so that the new
 * version of the row mostly stays on its page. Skips what is locked: nobody waits for progress, and it waits for nobody. With $5 only what
 * was said that many milliseconds ago or earlier is said again, or that all is done.
 */
export const PROGRESS = statement(
  'progress',
  `update simple_queue.job set progress = ($4::jsonb -> id::text) || jsonb_build_object('attempt', attempt + 1, 'at', statement_timestamp())
  where shard = $1 and id = any(array(
    select j.id from unnest($2::uuid[], $3::int[]) u(id, epoch)
    ${fenced('id, progress', 'for update skip locked')}
    where $5::int = 0 or j.progress is null or $4::jsonb -> j.id::text -> 'done' = $4::jsonb -> j.id::text -> 'of'
      or (j.progress ->> 'at')::timestamptz <= statement_timestamp() - $5::int * interval '1 millisecond'))
  returning id::text as id, progress`,
);
