-- $1 smallint, $2 uuid, $3 integer, $4 text, $5 integer, $6 integer
prepare checkpoint as
with held as (
    update simple_queue.job set options = nullif(
      coalesce(options, '{}') - 'checkpoint'::text
        || case when $4::text is null then '{}' else pg_catalog.jsonb_build_object('checkpoint', $4::text::jsonb) end
        || case when $5::int = 0 then '{}' else pg_catalog.jsonb_build_object('extraAttempts',
             least($6::int, coalesce((options ->> 'extraAttempts'::text)::int, 0) + $5::int)) end, '{}')
    where shard = $1 and id = any(array(
      select id from simple_queue.job where id = $2::uuid and shard = $1 and epoch = $3::int for update))
    returning options)
  select coalesce((options ->> 'extraAttempts'::text)::int, 0) as "extraAttempts" from held;
