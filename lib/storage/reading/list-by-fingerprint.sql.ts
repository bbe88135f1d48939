import { statement } from '../connection/statement.js';

/** A page of the jobs with a fingerprint, live or ended, newest id first. */
export const LIST_BY_FINGERPRINT = statement(
  'list_by_fingerprint',
  `select u.id from (
    (select id from simple_queue.job where fingerprint = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int) union all
    (select id from simple_queue.dead_letter where fingerprint = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int) union all
    (select id from simple_queue.archive where fingerprint = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int)) u
  order by u.id desc limit $4::int`,
);
