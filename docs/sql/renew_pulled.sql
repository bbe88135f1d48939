-- $1 smallint, $2 uuid, $3 double precision
prepare renew_pulled as
with renewed as (
    update simple_queue.lease set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond'
    where id = $2::uuid and shard = $1 and jobs is not null and expires_at > statement_timestamp() returning id, jobs),
  held as materialized (
    select u.id, j.cancelled from renewed r cross join lateral (
      select jobs, epochs from simple_queue.claim where id = r.id and shard = $1 offset 0) c
    cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select cancel_at is not null as cancelled from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j)
  select array(select id::text from held where cancelled) as cancelled,
    array(select u.id::text from unnest(r.jobs) u(id) where not exists (select from held h where h.id = u.id)) as lost
  from renewed r;
