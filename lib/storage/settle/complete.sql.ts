import { statement } from '../connection/statement.js';
import { outcomesOf } from '../outcomes/outcome-jobs.sql.js';
import { arrived } from '../places/arrived.sql.js';
import { ended } from '../places/ended.sql.js';
import { LOCKED_RUN } from '../places/held.sql.js';
import { permitsFreed } from '../places/keys.sql.js';
import { vacated } from '../places/turns.sql.js';

const SUCCEEDED = {
  state: `'succeeded'`,
  attempt: 'attempt + 1',
  run_ms: '$4::int',
  expires_at: `statement_timestamp() + $5::float8 * interval '1 millisecond'`,
  worker: '$6',
  output: '$7::text::jsonb',
  last_error: undefined,
};

const ARRIVED = arrived('done', { state: `'succeeded'`, output: '$7::text::jsonb' });

/**
 * Completes one job in the transaction of its handler. Fenced by id and epoch alone and touching no claim row, so that a
 * handler's open transaction holds up nobody else. No row back: the run no longer holds the job. An ordered job leaves its turn
 * vacant: to pick the next one here would lock it, and the group, for as long as that transaction lasts.
 */
const complete = (more = '', told = ARRIVED): string => `with done as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      ${LOCKED_RUN})) returning *),
  kept as (
    ${ended('archive', SUCCEEDED)}
    from done where $5::float8 is not null),
  ${vacated('done where seq is not null')},
  ${told}${more}
  select id from done`;

export const COMPLETE = statement('complete', complete());

/** The same of a job with a key: nobody else pays for what is of keys. */
export const COMPLETE_KEYED = statement(
  'complete_keyed',
  complete(`,\n  ${permitsFreed('done t')}`),
);

const TOLD = `,
  ${permitsFreed('done t')},
  ${outcomesOf('done', { state: `'succeeded'::text`, output: '$7::text::jsonb' })}`;

/** The same of a job whose end is stored as a job of another queue. */
export const COMPLETE_OUTCOMES = statement('complete_outcomes', complete(TOLD));

/** The same of a step that adds jobs to its workflow ($8): it hears of the end behind them. */
export const COMPLETE_ADDING = statement(
  'complete_adding',
  complete(
    TOLD,
    `added as (
    insert into simple_queue.arrival (shard, kind, job, state, output, more)
    select $1, 'add', id, 'succeeded', $7::text::jsonb, $8::text::jsonb from done)`,
  ),
);
