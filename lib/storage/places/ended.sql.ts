import type { EndPolicy } from '../../options/queue-policy.js';

/** A row of archive and dead letter, in the order of its columns: what it takes from the job by name, and what only some endings tell. */
const ROW = {
  id: 'id',
  shard: '$1',
  state: undefined,
  lane: 'lane',
  priority: 'priority',
  attempt: 'attempt',
  stalls: 'stalls',
  reschedules: 'reschedules',
  run_ms: undefined,
  created_at: 'created_at',
  run_at: 'run_at',
  finished_at: 'statement_timestamp()',
  expires_at: 'expires_at',
  worker: undefined,
  unique_key: 'unique_key',
  fingerprint: 'fingerprint',
  options: 'options',
  payload: 'payload',
  payload_bytes: 'payload_bytes',
  output: undefined,
  last_error: 'last_error',
  history: 'history',
  progress: 'progress',
  /** Of dead letters alone. */
  error_key: undefined,
} as const;

type Told = Partial<Record<keyof typeof ROW, string | undefined>> & { state: string };

/** What a success takes from its job. */
export const KEPT = Object.entries(ROW)
  .filter(([column, own]) => own === column && column !== 'expires_at' && column !== 'last_error')
  .map(([column]) => column)
  .join(', ');

/** The success of a job of which `k` keeps this as JSON; $4 is the worker. */
export const SUCCEEDED = {
  state: `'succeeded'`,
  attempt: 'attempt + 1',
  run_ms: `(k -> 'runMs')::int`,
  expires_at: `statement_timestamp() + (k -> 'keepMs')::float8 * interval '1 millisecond'`,
  worker: '$4',
  output: `k -> 'output'`,
  last_error: undefined,
};

/** Inserts ended jobs; `told` says what differs from the job, and its caller goes on with the `from`. */
export function ended(table: 'archive' | 'dead_letter', told: Told): string {
  const cells = Object.entries({ ...ROW, ...told }).filter(([, value]) => value !== undefined);
  return `insert into simple_queue.${table} (${cells.map(([column]) => column).join(', ')})
    select ${cells.map(([, value]) => value).join(', ')}`;
}

/** What the workers of queue `q` have said of ends; else what `given` says by the queue's name, with a default at ''. */
export const saidOf = (what: keyof EndPolicy, given: string): string =>
  `(coalesce(q.policy -> '${what}'::text, ${given}::jsonb -> q.name, ${given}::jsonb -> ''::text) #>> '{}'::text[])`;

/** The `expires_at` of a job `of`, whether its queue has a row or not, with what its process says in the parameter `keep`; null: it is not kept. */
export const keptByQueue = (
  of: string,
  what: 'archive' | 'deadLetter',
  keep: string,
): string => `cross join lateral (
      select statement_timestamp() + ${saidOf(what, keep)}::float8 * interval '1 millisecond' as expires_at
      from (select) x left join simple_queue.queue q on q.id = ${of}.queue) k`;

/** A history with room for one more entry. */
export const shortened = (history: string): string =>
  `(case when jsonb_array_length(${history}) >= 20 then ${history} - 0 else coalesce(${history}, '[]') end)`;
