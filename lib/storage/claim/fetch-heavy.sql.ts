import { statement } from '../connection/statement.js';
import { thatFit } from './that-fit.sql.js';

/**
 * What claims left behind of heavy jobs: those that are still held at the epochs ($3) of their runs, by primary key and in order, as far as
 * one answer should carry.
 */
export const FETCH_HEAVY = statement(
  'fetch_heavy',
  thatFit(
    'id, cancel_at, options, payload, payload_bytes, last_error',
    `select j.* from unnest($2::uuid[], $3::int[]) n(id, epoch)
      cross join lateral (select * from simple_queue.job where id = n.id and shard = $1 and epoch = n.epoch offset 0) j`,
    'id, cancel_at::text, options::text, payload::text, payload_bytes, last_error::text',
  ),
);
