import { insertion, statement } from '../connection/statement.js';

const COLUMNS = `id, item, stage, lane, priority, run_at as at, delay_ms as "delayMs", fingerprint, options::text as options,
    payload::text as payload, payload_bytes as "payloadBytes", group_name as "group", ordered, fair`;

/** The drafts of a stage, in the order of its items. */
export const READ_DRAFTS = statement(
  'read_drafts',
  `select ${COLUMNS} from simple_queue.draft where workflow = $2::uuid and shard = $1 and stage = $3::int order by item`,
);

/** The drafts of these jobs. */
export const FIND_DRAFTS = statement(
  'find_drafts',
  `select ${COLUMNS} from simple_queue.draft where shard = $1 and id = any($2::uuid[]) order by stage, item`,
);

/** What is known of each job of a workflow before it ends. */
export const STORE_STEPS = insertion(
  'store_steps',
  `insert into simple_queue.step (id, shard, workflow, stage, item, added)
  select id, $1, $2, stage, item, added from unnest($3::uuid[], $4::int[], $5::int[], $6::text[]) u(id, stage, item, added)`,
);

/** What a job is made of when its stage begins, now or in another attempt of the workflow. */
export const STORE_DRAFTS = insertion(
  'store_drafts',
  `insert into simple_queue.draft (id, shard, workflow, stage, item, lane, queue, priority, run_at, delay_ms, fingerprint, options, payload,
    payload_bytes, group_name, ordered, fair)
  select id, $1, $2, stage, item, lane, queue, priority, run_at, delay_ms, fingerprint, options::jsonb, payload::json, payload_bytes,
    group_name, coalesce(ordered, false), coalesce(fair, false)
  from unnest($3::uuid[], $4::int[], $5::int[], $6::int[], $7::int[], $8::smallint[], $9::timestamptz[], $10::float8[], $11::text[],
    $12::text[], $13::text[], $14::bytea[], $15::text[], $16::boolean[], $17::boolean[])
    u(id, stage, item, lane, queue, priority, run_at, delay_ms, fingerprint, options, payload, payload_bytes, group_name, ordered, fair)`,
);
