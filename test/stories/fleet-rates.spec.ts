import { describe, expect, it } from '@jest/globals';
import { QueueLimits } from 'nestjs-simple-queue/limits';
import { JobQueue } from 'nestjs-simple-queue/pull';
import type { LimitRule, RateLimit } from '../../lib/job/limit.js';
import { aHandler, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { patient } from '../support/patience.mjs';
import { aStory } from '../support/story.js';

const items = (count: number) => Array.from({ length: count }, (_, n) => ({ payload: { n } }));

/** The most starts that any window of `ms` holds, its end left out. */
function mostIn(ms: number, starts: number[]): number {
  const times = starts.toSorted((a, b) => a - b);
  let [most, first] = [0, 0];
  times.forEach((time, last) => {
    while (time - times[first]! >= ms) first++;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

describe('a rate across the fleet', () => {
  const story = aStory();

  /** Applications of one process, so that their starts are told by one clock. */
  const startsOf = async (rate: RateLimit, jobs: number, { processes = 3 } = {}) => {
    const starts: number[] = [];
    const start = () =>
      story.start({
        options: { queues: { work: { rate } } },
        providers: [aHandler('work', () => void starts.push(performance.now()))],
      });
    const apps = await Promise.all(Array.from({ length: processes }, start));
    await apps[0]!.queues.enqueueMany('work', items(jobs));
    await eventually(() => expect(starts.length).toBe(jobs), { timeoutMs: 30_000 });
    await Promise.all(apps.map((app) => app.close()));
    return starts;
  };

  it('that is strict is passed in no window, with three processes', async () => {
    const starts = await startsOf({ limit: 20, perMs: 500, strict: true }, 60);

    expect(mostIn(500, starts)).toBeLessThanOrEqual(20);
  });

  it('lets a burst through at once, and then no more than refills', async () => {
    const starts = await startsOf({ limit: 20, perMs: 1_000, burst: 10 }, 40);

    // The burst, what refills in a second, and what comes up to 100 ms late.
    expect(mostIn(1_000, starts)).toBeLessThanOrEqual(10 + 20 + 2);
  });

  it(
    'that is strict is passed in no window where handlers, calls and remote workers of two processes share it',
    async () => {
      const PER_MS = 2_000;
      const starts: number[] = [];
      const start = () => void starts.push(performance.now());
      const options = {
        queues: { pulled: { uses: ['api'] } },
        limits: { api: { rate: { limit: 60, perMs: PER_MS, strict: true } } },
      };
      const providers = [aHandler('work', start, { uses: ['api'] })];
      const apps = await Promise.all([1, 2].map(() => story.start({ options, providers })));
      const counts = { work: 50, pulled: 15, calls: 15 };
      for (const queue of ['work', 'pulled'] as const)
        await apps[0]!.queues.enqueueMany(queue, items(counts[queue]));

      const call = async ({ app }: TestApplication) => {
        for (let n = 0; n < counts.calls; n++)
          await app.get(QueueLimits, { strict: false }).within('api', start);
      };
      const pull = async ({ app }: TestApplication) => {
        const remote = app.get(JobQueue, { strict: false });
        let left = counts.pulled;
        await eventually(async () => {
        const { jobs, leaseId } = await remote.claim({ workerId: 'remote', queues: ['pulled'], limit: 5 }); // prettier-ignore
        jobs.forEach(start);
        left -= jobs.length;
        for (const { id } of jobs) await remote.complete(leaseId, id);
        expect(left).toBe(0);
      }, { timeoutMs: 60_000 }); // prettier-ignore
      };
      await Promise.all([call(apps[0]!), call(apps[1]!), pull(apps[1]!)]);
      await eventually(() => expect(starts.length).toBe(50 + 15 + 2 * 15), { timeoutMs: 60_000 });

      expect(mostIn(PER_MS, starts)).toBeLessThanOrEqual(60);
    },
    patient(90_000),
  );

  it('that is strict is passed in no window by calls of a process that was held up', async () => {
    const starts: number[] = [];
    const limits = { api: { rate: { limit: 20, perMs: 500, strict: true } } };
    const { app } = await story.start({ options: { worker: false, limits } });
    const call = () => {
      if (starts.push(performance.now()) !== 5) return;
      const until = performance.now() + 400;
      while (performance.now() < until);
    };

    await Promise.all(
      items(50).map(() => app.get(QueueLimits, { strict: false }).within('api', call)),
    );

    expect(mostIn(500, starts)).toBeLessThanOrEqual(20);
  });

  it(
    'that is strict is passed in no window by remote workers of a process that was held up',
    async () => {
      const JOBS = 25;
      const starts: number[] = [];
      const rate = { limit: 10, perMs: 1_000, strict: true };
      const { app, queues } = await story.start({ options: { worker: false, queues: { held: { rate } } } }); // prettier-ignore
      await queues.enqueueMany('held', items(JOBS));
      const remote = app.get(JobQueue, { strict: false });
      const holdUp = () => {
        const until = performance.now() + 800;
        while (performance.now() < until);
      };
      const pull = async () => {
        while (starts.length < JOBS) {
          const { jobs, leaseId } = await remote.claim({ workerId: 'remote', queues: ['held'] });
          for (const { id } of jobs) {
            if (starts.push(performance.now()) === 5) holdUp();
            await remote.complete(leaseId, id);
          }
        }
      };

      await Promise.all(items(8).map(pull));

      expect(mostIn(1_000, starts)).toBeLessThanOrEqual(10);
    },
    patient(60_000),
  );

  it('and a limit of what runs at once are kept together', async () => {
    const starts: number[] = [];
    let [now, most] = [0, 0];
    const rate = { limit: 50, perMs: 500, strict: true };
    const app = await story.start({
      options: { queues: { work: { fleetConcurrency: 2, rate } } },
      providers: [
        aHandler('work', async () => {
          starts.push(performance.now());
          most = Math.max(most, ++now);
          await new Promise((resolve) => setImmediate(resolve));
          now--;
        }),
      ],
    });

    await app.queues.enqueueMany('work', items(100));
    await eventually(() => expect(starts.length).toBe(100), { timeoutMs: 20_000 });

    expect(most).toBeLessThanOrEqual(2);
    expect(mostIn(500, starts)).toBeLessThanOrEqual(50);
  });

  const perSecond: RateLimit = { limit: 20, perMs: 4_000, strict: true };
  const SHARED: [string, LimitRule, Record<string, LimitRule>][] = [
    ['one limit', { concurrency: 1, rate: perSecond }, {}],
    ['two limits', { rate: perSecond }, { line: { concurrency: 1 } }],
  ];

  it.each(SHARED)(
    'of %s with fewer permits than processes loses no starts to those without one',
    async (_, pace, others) => {
      await countDraws(story.database);
      const limits = { pace, ...others };
      let started = 0;
      const apps = await Promise.all(
        [1, 2, 3].map(() =>
          story.start({
            options: { limits },
            providers: [aHandler('paced', () => void started++, { uses: Object.keys(limits) })],
          }),
        ),
      );

      await apps[0]!.queues.enqueueMany('paced', items(15));
      await eventually(() => expect(started).toBe(15), { timeoutMs: 60_000 });

      const [drawn] = await story.database.query<{ n: number }>('select n from public.drawn');
      expect(drawn!.n).toBeLessThanOrEqual(25);
    },
  );
});

/** Adds up the starts that processes draw. */
async function countDraws(database: TestDatabase): Promise<void> {
  for (const text of [
    'drop table if exists public.drawn',
    'create table public.drawn as select 0 as n',
    `create or replace function count_draws() returns trigger language plpgsql as $$
      begin update public.drawn set n = n + new.granted; return null; end $$`,
    'drop trigger if exists count_draws on simple_queue.fleet_limit',
    `create trigger count_draws after update on simple_queue.fleet_limit for each row
      when (new.next_at > old.next_at) execute function count_draws()`,
  ])
    await database.query(text);
}
