import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import type { NewSchedule } from '../../lib/job/schedule.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { Ticker } from '../../lib/schedules/ticker.js';
import { checkPlaces } from '../support/check-places.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const HOUR_MS = 3_600_000;
const OVERLAPS = ['skip', 'queue', 'cancel', 'allow'] as const;

type Act =
  'due' | 'tick' | 'race' | 'end' | 'pause' | 'resume' | 'pauseQueue' | 'trigger' | 'change';
const acts = fc.array(
  fc.tuple(
    fc.constantFrom<Act>('due', 'due', 'tick', 'race', 'end', 'pause', 'resume', 'pauseQueue', 'trigger', 'change'), // prettier-ignore
    fc.constantFrom(...OVERLAPS),
  ),
  { minLength: 5, maxLength: 25 },
);

/** What holds of schedules whatever happens to them, with their queue paused or not. */
describe('schedules, whatever happens', () => {
  let test: TestStorage;
  let schedules: QueueSchedules;
  let step = 0;
  let isPaused = false;

  beforeAll(async () => {
    test = await aStorage();
    const { options } = resolveOptions({});
    schedules = new QueueSchedules(test.storage, options, {
      events: test.events,
      owner: 'default',
    });
  });
  afterAll(() => test.close());

  const query = <Row extends object>(sql: string, values?: unknown[]) =>
    test.database.query<Row>(sql, values);
  const put = (name: string) =>
    schedules.put(name, {
      everyMs: HOUR_MS,
      startAt: new Date(Date.now() - 1_000 * HOUR_MS - HOUR_MS / 2 - step),
      target: 'reports',
      overlap: name,
    } as NewSchedule);
  const turn = async (ticker: Ticker) => {
    for (let rounds = 0; rounds < 50 && (await ticker.round()) === 0; rounds++);
  };
  const aTicker = () => new Ticker(aSite(test));

  /** Each time is another one, however quickly they follow each other. */
  const due = (name: string) =>
    query(
      `update simple_queue.schedule set next_at = date_trunc('second', now()) - interval '40 seconds' + $2 * interval '1 ms' where name = $1`,
      [name, ++step],
    );
  const endOldest = async (name: string) => {
    const [job] = await query<{ id: string }>(
      `select id from simple_queue.job where options -> 'schedule' ->> 'name' = $1 order by created_at limit 1`,
      [name],
    );
    const { cancels, database } = test.storage;
    if (job) await cancels.byId(database.callers.run, [job.id], { '': HOUR_MS });
  };
  const does: Record<Act, (name: string) => Promise<unknown>> = {
    due,
    tick: () => turn(aTicker()),
    race: () => Promise.all([turn(aTicker()), turn(aTicker()), turn(aTicker())]),
    end: endOldest,
    pause: (name) => schedules.pause(name),
    resume: (name) => schedules.resume(name),
    pauseQueue: () => test.storage.queues.pause('reports', (isPaused = !isPaused)),
    trigger: (name) => schedules.trigger(name),
    change: (name) => (step++, put(name)),
  };

  async function holds(): Promise<void> {
    const twice = await query(`select options -> 'schedule' from simple_queue.jobs
      group by 1 having count(*) > 1 + (select count(*) from simple_queue.tick t where t.outcome = 'triggered'
        and t.schedule = min(options -> 'schedule' ->> 'name'))`);
    expect(twice).toEqual([]);
    const orphans = await query(`select t.* from simple_queue.tick t
      where (t.outcome in ('enqueued', 'triggered')) <> exists (select from simple_queue.jobs j where j.id = t.job)`);
    expect(orphans).toEqual([]);
    const miscounted = await query(`select name from simple_queue.schedule s where waiting <>
      (select count(*) from simple_queue.tick t where t.schedule = s.name and t.outcome = 'waiting')`);
    expect(miscounted).toEqual([]);
    const beside =
      await query(`select j.options -> 'schedule' ->> 'name' as name from simple_queue.job j
      join simple_queue.tick t on t.job = j.id and t.outcome = 'enqueued' and t.schedule <> 'allow' group by 1 having count(*) > 1`);
    expect(beside).toEqual([]);
    expect(await checkPlaces(test.storage)).toEqual([]);
  }

  it('a tick has one job, a job one tick, and live jobs are as many as the overlap allows', () =>
    fc.assert(
      fc.asyncProperty(acts, async (list) => {
        await query(
          'truncate simple_queue.schedule, simple_queue.tick, simple_queue.job, simple_queue.ready, simple_queue.scheduled, simple_queue.archive',
        );
        for (const name of OVERLAPS) await put(name);
        for (const [act, name] of list) await does[act](name);
        await turn(aTicker());
        await holds();
      }),
      { numRuns: 25 },
    ));
});
