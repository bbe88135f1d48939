import { statement } from '../connection/statement.js';
import { LOCKED_RUN } from '../places/held.sql.js';

/**
 * Keeps a running job's progress with it, fenced by id and epoch alone as a completion is: no row back means that the run no longer holds
 * the job. $4 null takes the checkpoint away; $5 grants attempts, $6 of them at most in the job's life.
 *
 * It lives in `options`, which every statement that moves a job carries along already: a job without one costs nothing, no column and no parsing.
 */
export const CHECKPOINT = statement(
  'checkpoint',
  `with held as (
    update simple_queue.job set options = nullif(
      coalesce(options, '{}') - 'checkpoint'::text
        || case when $4::text is null then '{}' else pg_catalog.jsonb_build_object('checkpoint', $4::text::jsonb) end
        || case when $5::int = 0 then '{}' else pg_catalog.jsonb_build_object('extraAttempts',
             least($6::int, coalesce((options ->> 'extraAttempts'::text)::int, 0) + $5::int)) end, '{}')
    where shard = $1 and id = any(array(
      ${LOCKED_RUN}))
    returning options)
  select coalesce((options ->> 'extraAttempts'::text)::int, 0) as "extraAttempts" from held`,
);
