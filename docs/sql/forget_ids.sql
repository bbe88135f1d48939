-- $1 smallint, $2 uuid[], $3 text[]
prepare forget_ids as
delete from simple_queue.given_id where shard = $1 and id = any(array(
    select g.id from unnest($2::uuid[], $3::text[]) u(id, version)
    cross join lateral (
      select id, xmin::text as version from simple_queue.given_id where id = u.id and shard = $1 for update) g
    where g.version = u.version));
