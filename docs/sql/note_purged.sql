-- $1 text[]
prepare note_purged as
update simple_queue.queue q set policy = jsonb_set(coalesce(q.policy, '{}'), '{kept}', coalesce(q.policy -> 'kept', '{}') ||
    jsonb_build_object('-1', extract(epoch from statement_timestamp())::float8))
  from (select id from simple_queue.queue where name = any($1::text[]) order by id for no key update) o where q.id = o.id;
