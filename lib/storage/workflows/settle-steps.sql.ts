import { statement } from '../connection/statement.js';
import { arrived } from '../places/arrived.sql.js';
import { ended, KEPT, SUCCEEDED } from '../places/ended.sql.js';
import { LOCKED_RUNS } from '../places/held.sql.js';
import { UNDONE } from './compensated.sql.js';
import { COUNTED, followed, movedAnd } from './advanced.sql.js';

/**
 * Settles successes of steps, fenced by epoch, and moves their workflows on in the same statement: what waited for them alone is ready when it
 * commits. $5 says of each job by its id what is kept of it; without `keepMs` the workflow alone keeps its output.
 * One that was asked to stop has perhaps waited for that caller's transaction, and this snapshot does not know why: the duty hears of its end, which does.
 * The place of a job's row in `step` is changed once, by `state is null`: the late end of a life that was told already changes nothing.
 */
export const SETTLE_STEPS = statement(
  'settle_steps',
  `with done as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      ${LOCKED_RUNS}))
    returning ${KEPT}, cancel_at),
  kept as (
    ${ended('archive', SUCCEEDED)}
    from (select *, $5::jsonb -> id::text as k from done) d where k ? 'keepMs'),
  told as (
    update simple_queue.step set state = 'succeeded', output = $5::jsonb -> id::text -> 'output', error = null, ended_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from done where cancel_at is null)) and state is null
    returning workflow, stage, item, state, null::bigint as seq),
  ${arrived('done where cancel_at is not null', { state: `'succeeded'`, output: `$5::jsonb -> id::text -> 'output'` })},
  ${COUNTED},
  ${followed(UNDONE)}
  select ${movedAnd('(select count(*) from done where cancel_at is not null)')},
    array(select u.id::text from unnest($2::uuid[]) u(id)
      where (select count(*) from done) < cardinality($2::uuid[]) and not exists (select from done d where d.id = u.id)) as lost`,
);
