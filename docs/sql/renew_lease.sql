-- $1 smallint, $2 uuid, $3 double precision, $4 uuid[], $5 double precision, $6 jsonb
prepare renew_lease as
with renewed as (
    update simple_queue.lease set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond', about = coalesce($6::jsonb, about)
    where id = $2::uuid and shard = $1 returning id)
  select
    exists (select from renewed) as alive,
    array(select j.id::text from simple_queue.job j where j.shard = $1 and j.cancel_at is not null
      and exists (select from simple_queue.claim c where c.shard = $1 and c.lease = $2::uuid and j.id = any(c.jobs))) as cancelled,
    array(select c.id::text from simple_queue.claim c where c.shard = $1 and c.lease = $2::uuid and c.id <> all($4::uuid[])
      and c.created_at < statement_timestamp() - $5::float8 * interval '1 millisecond') as unknown;
