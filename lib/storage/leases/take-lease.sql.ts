import { statement } from '../connection/statement.js';
import { declared, overruled } from './declared.sql.js';

const WORDS = { lanes: '$5', policies: '$8', by: '$9' };

/** A new lease for a process that starts, or that lost its old one. Never re-created under an id that was lost. */
export const TAKE_LEASE = statement(
  'take_lease',
  `with ${declared(WORDS)}
  insert into simple_queue.lease (id, shard, worker, expires_at, lanes, schedules, about)
  values ($2::uuid, $1, $3, statement_timestamp() + $4::float8 * interval '1 millisecond', $5::int[], $6::text[], $7::jsonb)
  returning ${overruled(WORDS)}`,
);
