/**
 * A member of a `with`: the jobs of `from` have ended, and those that are steps tell their workflow. Only a row is inserted: whoever ends a job
 * in a transaction of its own must lock nothing that others wait for. `from` may go on with a condition.
 */
export const arrived = (
  from: string,
  told: { state: string; output?: string; error?: string },
): string => `arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, ${told.state}, ${told.output ?? 'null::jsonb'}, ${told.error ?? 'null::jsonb'}
    from ${from}${from.includes(' where ') ? ' and' : ' where'} options ? 'step'::text)`;
