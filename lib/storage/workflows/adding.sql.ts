import { statement } from '../connection/statement.js';

/** Takes what an ended step adds to its workflow, with its end, of which nobody has heard yet; locked until the transaction ends. */
export const TAKE_ADDING = statement(
  'take_adding',
  `delete from simple_queue.arrival where kind = 'add' and shard = $1 and id = any(array(
    select id from simple_queue.arrival where kind = 'add' and shard = $1 and id > $2::bigint order by id limit 1 for update skip locked))
  returning id::text, job, output, more, workflow, stage`,
);

/** The workflow of a job that is a step and has not ended, as far as its workflow knows. */
export const FIND_ADDER = statement(
  'find_adder',
  `select t.workflow, s.name as step from simple_queue.step t
  join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = t.stage
  where t.id = $2::uuid and t.shard = $1 and t.state is null`,
);

/**
 * Under the lock of the workflow: a step ($3 by its name) that has begun and not ended has $4 more jobs, so whoever waits for it waits for these, too.
 * No row back: it has ended, has not begun, or there is none.
 */
export const GROW_STAGE = statement(
  'grow_stage',
  `with grown as (
    update simple_queue.stage set jobs = jobs + $4::int, open = open + $4::int
    where workflow = $2::uuid and shard = $1 and name = $3 and begun and not skipped and open > 0
    returning n, jobs - $4::int as item),
  counted as (
    update simple_queue.workflow set jobs = jobs + $4::int where id = $2::uuid and shard = $1 and exists (select from grown) returning jobs)
  select g.n as stage, g.item, c.jobs from grown g, counted c`,
);

/** Now the workflow may hear of the end, under the number that it had ($6). */
export const END_ADDER = statement(
  'end_adder',
  `insert into simple_queue.arrival (id, shard, kind, job, state, output, error) values ($6::bigint, $1, 'end', $2::uuid, $3, $4::jsonb, $5::jsonb)`,
);

/** Jobs of callbacks of a batch. They run once per attempt: those of the last one wait again, as what was skipped does, under other ids. */
export const FIND_CALLBACKS = statement(
  'find_callbacks',
  `select t.id from simple_queue.stage s
  join simple_queue.step t on t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state is distinct from 'skipped'::text
  where s.workflow = $2::uuid and s.shard = $1 and s.again and not s.skipped`,
);
