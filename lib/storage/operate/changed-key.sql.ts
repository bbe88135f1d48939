/** The queue has a limit per key, whether this process knows of it or not. */
export const isKeyed = (queue: string): string => `exists (
        select from simple_queue.queue q join simple_queue.fleet_limit f on f.name = q.name || '/*'::text and f.shard = $1
        where q.id = ${queue})`;

/** The options of a job whose payload is another one now: with the key of that payload, where it is `known`. */
export const withKey = (options: string, known: string, key: string): string =>
  `case when ${known}::boolean then nullif(coalesce(${options}, '{}'::jsonb) - 'limitKey'::text || case when ${key}::text is null then '{}'::jsonb
        else pg_catalog.jsonb_build_object('limitKey', ${key}::text) end, '{}'::jsonb) else ${options} end`;
