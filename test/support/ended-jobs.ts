import type { TestStorage } from './storage.js';

/** Fills the dead letter queue, or the archive, in one statement; the ids in the order of their making. */
export async function endedJobs(
  { database, rows }: TestStorage,
  count: number,
  given: { queue?: string; state?: string } = {},
): Promise<string[]> {
  const { queue = 'mail', state = 'failed' } = given;
  const table = state === 'succeeded' || state === 'cancelled' ? 'archive' : 'dead_letter';
  const lane = await rows.lane(queue);
  const made = await database.query<{ id: string }>(
    `insert into simple_queue.${table} (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, payload)
     select gen_random_uuid(), 0, $2, $1, 0, 3, 0, 0, now(), now(), now(), now() + interval '1 day', '{"secret": "4111"}'
     from generate_series(1, $3::int) returning id`,
    [lane.id, state, count],
  );
  return made.map(({ id }) => id);
}
