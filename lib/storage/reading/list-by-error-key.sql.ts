import { statement } from '../connection/statement.js';

/** A page of the dead letters with an error key, newest id first, along an index that only jobs which fail for good pay for. */
export const LIST_BY_ERROR_KEY = statement(
  'list_by_error_key',
  `select id from simple_queue.dead_letter where error_key = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int`,
);
