/**
 * Members of a `with`: queues of these lanes have what their worker says of ends by name in `policies`, with a default at ''. Where another
 * transaction writes the queue it is left for the next time.
 */
export const declared = (lanes: string, policies: string): string => `said as materialized (
    select q.id, u.policy from simple_queue.queue q
    cross join lateral (select coalesce(${policies}::jsonb -> q.name, ${policies}::jsonb -> '') as policy) u
    where q.id = any(array(select queue from simple_queue.lane where id = any(${lanes}::int[]))) and u.policy <> coalesce(q.policy, '{}')
    for no key update of q skip locked),
  declared as (update simple_queue.queue q set policy = s.policy from said s where q.id = s.id)`;
