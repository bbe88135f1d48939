import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NewJob } from '../../../lib/job/new-job.js';
import { ScheduleRepository } from '../../../lib/storage/schedules/schedule.repository.js';
import { explaining, withoutAutovacuum } from '../../support/plans.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const HOUR_MS = 3_600_000;
const DUE = Date.UTC(2026, 0, 1);
/** Pages and rows of any statement here: a hundred schedules and the jobs that they look at, or a thousand ticks. */
const BLOCKS = 12_000;
const REMOVED = 1_100;

/** What ticks ask, of 20,000 schedules and 200,000 ticks that the planner takes for few. */
describe('plans of schedules', () => {
  let test: TestStorage;
  let job: NewJob;

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    await withoutAutovacuum(test.database);
    const lane = await test.storage.lanes.of('reports', '', []);
    job = {
      id: randomUUID(),
      lane,
      name: '',
      labels: [],
      priority: 0,
      payload: '{}',
    } as unknown as NewJob;
    await test.database
      .query(`insert into simple_queue.schedule (name, shard, owner, spec, hash, next_at, waiting)
      select 's-' || n, 0, 'o', '{"overlap":"skip","queue":"reports"}', 'h',
        case when n <= 50 then '${new Date(DUE).toISOString()}'::timestamptz else now() + n * interval '1 hour' end, (n % 2000 = 0)::int
      from generate_series(1, 20000) n`);
    await test.database.query(`insert into simple_queue.tick (schedule, shard, at, made_at, outcome)
      select 's-' || n % 2000, 0, now() - n * interval '1 minute', now() - case when n <= 1000 then 9 else 0 end * interval '1 day',
        case when n % 10000 = 0 then 'waiting' else 'enqueued' end from generate_series(1, 200000) n`);
  });
  afterAll(() => test.close());

  it.each([
    ['never analysed', ''],
    ['analysed', 'analyze simple_queue.schedule, simple_queue.tick'],
  ])('walk no table and touch few pages, on tables that were %s', async (_, prepare) => {
    if (prepare) await test.database.query(prepare);
    const { database, run, costs } = explaining(test.storage.database);
    const schedules = new ScheduleRepository(database);
    const name = prepare ? 's-2' : 's-1';

    expect((await schedules.findDue()).due.length).toBeGreaterThan(50);
    const { hash } = (await schedules.byName(run, [name]))[0]!;
    const tick = { name, hash, at: DUE, next: Date.now() + HOUR_MS, job: randomUUID() };
    expect(await schedules.tick(run, tick, job)).toBeDefined();
    expect(await schedules.ticks(run, name, { limit: 100 })).toHaveLength(100);
    await schedules.takeWaiting(run, { name, hash, at: DUE, job: tick.job });
    await schedules.note(run, { name, at: DUE }, { outcome: 'existing', job: tick.job });
    await schedules.list(run, { limit: 100 });
    await schedules.purge(HOUR_MS * 24 * 8);

    expect(costs.filter(({ walked }) => walked.length > 0)).toEqual([]);
    expect(costs.filter(({ blocks }) => blocks > BLOCKS)).toEqual([]);
    expect(costs.filter(({ removed }) => removed > REMOVED)).toEqual([]);
  });
});
