import { statement } from '../connection/statement.js';
import { released } from '../places/turns.sql.js';

/** Lets a group go on behind its dead job: the job stays where it is kept, and the turn becomes vacant. */
export const RELEASE_GROUP = statement(
  'release_group',
  `with stopped as materialized (
    select ctid, dead from simple_queue.head
    where group_name = $3 and shard = $1 and queue = (select id from simple_queue.queue where name = $2) and dead is not null
    limit 1 for update),
  ${released('stopped')}
  select dead as id from stopped`,
);
