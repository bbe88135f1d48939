import { statement } from '../connection/statement.js';
import { WAITING, inLane } from '../places/places.sql.js';

const LATER = WAITING.filter((place) => place !== 'ready');

/** The JSON payloads of up to $3 jobs of each lane in $2 that wait for anything, those first that will run first. */
export const SAMPLE_PAYLOADS = statement(
  'sample_payloads',
  `select q.lane, j.payload::text as payload from unnest($2::int[]) q(lane) cross join lateral (
    select w.id from (
      (select id from simple_queue.ready where lane = q.lane and shard = $1 order by priority, run_at, id limit $3::int) union all
      ${inLane(LATER, 'q.lane', { limit: '$3::int', columns: 'id' })}) w limit $3::int) p
  cross join lateral (select payload from simple_queue.job where id = p.id and shard = $1 offset 0) j`,
);
