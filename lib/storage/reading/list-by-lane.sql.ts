import { statement } from '../connection/statement.js';

/**
 * A page of a place lane by lane, along its key, where there are more lanes than can be merged; of some lanes ($2) or all (null). At most $4
 * rows are walked, and where that was not enough, the last of them says where to go on; `at` holds the key before the id, from $6 on.
 */
const byLane = (name: string, place: string, parts: readonly (readonly [string, string])[]) => {
  const key = ['lane', ...parts.map(([column]) => column), 'id'].join(', ');
  const behind = parts.map(([, type], index) => `$${index + 7}::${type}`).join(', ');
  const at = `jsonb_build_array(lane, ${parts.map(([column]) => (column === 'run_at' ? 'run_at::text' : column)).join(', ')})::text as at`;
  return statement(
    name,
    `with walked as materialized (
    select ${key} from simple_queue.${place}
    where shard = $1 and (lane, shard, ${key.slice('lane, '.length)}) > ($6::int, $1::smallint, ${behind}, $5::uuid)
    order by lane, shard, ${key.slice('lane, '.length)} limit $4::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by ${key} limit $3::int)
  (select id, ${at}, true as hit from hit order by ${key}) union all
  (select id, ${at}, false from walked where (select count(*) from hit) < $3::int and (select count(*) from walked) = $4::int
    order by ${key.replaceAll(',', ' desc,')} desc limit 1)`,
  );
};

const RUN_AT = ['run_at', 'timestamptz'] as const;

export const LIST_READY_BY_LANE = byLane('list_ready_by_lane', 'ready', [['priority', 'smallint'], RUN_AT]); // prettier-ignore
export const LIST_SUSPECTS_BY_LANE = byLane('list_suspects_by_lane', 'suspect', [['suspicion', 'smallint'], RUN_AT]); // prettier-ignore
export const LIST_FAIR_BY_LANE = byLane('list_fair_by_lane', 'fair_ready', [['group_name', 'text'], ['priority', 'smallint'], RUN_AT]); // prettier-ignore
