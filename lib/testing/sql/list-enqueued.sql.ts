import { statement } from '../../storage/connection/statement.js';

/** Jobs of a queue ($1, null: of all) and name ($2, null: of all), live or ended: the newest $3 of them, oldest first. */
export const LIST_ENQUEUED = statement(
  'list_enqueued',
  `select * from (
    select * from simple_queue.jobs where ($1::text is null or queue = $1) and ($2::text is null or name = $2)
    order by created_at desc, id desc limit $3::int) newest order by created_at, id`,
);
