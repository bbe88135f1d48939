import { newId } from '../../../migrations/new-id.js';

/** What is said of a job that has ended, by columns of `from`. */
interface Told {
  state: string;
  output?: string;
  error?: string;
}

/**
 * Members of a `with`: the jobs of `from` have ended, and of those whose queue says so the end is stored as a job of another queue (`outcomes`). So
 * it is there if and only if the job has ended, and once. A look by primary key; whoever is in no such queue is joined with nothing.
 */
export const outcomesOf = (
  from: string,
  { state, output = 'null::jsonb', error = 'null::jsonb' }: Told,
): string => `outcomes as (
    insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
    select ${newId('statement_timestamp()')}, $1, o.lane, o.queue, statement_timestamp(), o.payload
    from (select id, lane, queue, ${state} as ended_as, ${output} as answer, ${error} as failure from ${from}) t
    cross join lateral (
      select l.id as lane, l.queue, (pg_catalog.jsonb_build_object('id', t.id, 'queue', q.name, 'name', coalesce(n.name, ''), 'state', t.ended_as)
        || case when t.answer is null then '{}'::jsonb else pg_catalog.jsonb_build_object('output', t.answer) end
        || case when t.failure is null then '{}'::jsonb else pg_catalog.jsonb_build_object('error', t.failure) end)::json as payload
      from simple_queue.outcome x join simple_queue.queue q on q.id = x.queue join simple_queue.lane l on l.id = x.lane
      left join simple_queue.lane n on n.id = t.lane
      where x.queue = t.queue offset 0) o
    returning id, lane, run_at),
  heard as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, 0, run_at, id, 0 from outcomes)`;
