import { describe, expect, it, jest } from '@jest/globals';
import { constant } from 'nestjs-simple-queue';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { Rows } from '../support/rows.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

/** How many run at once in all processes together, now and at most. */
class Meter {
  now = 0;
  most = 0;
  total = 0;
  readonly by = new Map<string, number>();

  readonly measured = (who: string, work: (job: Job) => unknown) => async (job: Job) => {
    this.total++;
    this.by.set(who, (this.by.get(who) ?? 0) + 1);
    this.most = Math.max(this.most, ++this.now);
    try {
      await work(job);
    } finally {
      this.now--;
    }
  };
}

const items = (count: number) => Array.from({ length: count }, (_, n) => ({ payload: { n } }));
const aTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** So long that a lane is known to be slow, on any machine: nothing is claimed ahead of its permits. */
const aWhile = async (): Promise<void> => {
  for (const since = performance.now(); performance.now() - since < 25;) await aTick();
};

const LIMITED = { queues: { work: { fleetConcurrency: 1 } } };

describe('a limit across the fleet', () => {
  const story = aStory();

  const fleet = async (
    count: number,
    meter: Meter,
    { options, work = aTick }: { options: SimpleQueueOptions; work?: (job: Job) => unknown },
  ): Promise<TestApplication[]> => {
    const start = (_: unknown, n: number) =>
      story.start({ options, providers: [aHandler('work', meter.measured(`${n}`, work), { uses: options.limits && Object.keys(options.limits) })] }); // prettier-ignore
    return Promise.all(Array.from({ length: count }, start));
  };

  const sums = async () => {
    const [row] = await story.database.query<{ allotted: number; sum: number }>(
      `select allotted, coalesce((select sum(n) from simple_queue.allotment a where a.name = l.name), 0)::int as sum
       from simple_queue.fleet_limit l where name = 'work'`,
    );
    return row!;
  };

  it('is kept by four processes together, however much each could run', async () => {
    const meter = new Meter();
    const apps = await fleet(4, meter, { options: { queues: { work: { fleetConcurrency: 3 } } } });

    await apps[0]!.queues.enqueueMany('work', items(1_000));
    await eventually(() => expect(meter.total).toBe(1_000), { timeoutMs: 30_000 });

    expect(meter.most).toBeLessThanOrEqual(3);
    const { allotted, sum } = await sums();
    expect(allotted).toBe(sum);
  });

  it('of one lets one job run at a time in eight processes, and each of them gets its turn', async () => {
    const meter = new Meter();
    const apps = await fleet(8, meter, { options: { queues: { work: { fleetConcurrency: 1 } } } });

    await apps[0]!.queues.enqueueMany('work', items(100));
    await eventually(() => expect(meter.total).toBeGreaterThanOrEqual(100), { timeoutMs: 30_000 });

    expect(meter.most).toBe(1);
  });

  it('is shared by those who have work: a process that comes later gets its part', async () => {
    const meter = new Meter();
    const gate = aGate();
    const work = () => (meter.by.has('second') ? gate.passed : aTick());
    const options = { queues: { work: { fleetConcurrency: 4 } } };
    const [first] = await fleet(1, meter, { options, work });
    await first!.queues.enqueueMany('work', items(50_000));
    await eventually(() => expect(meter.now).toBeGreaterThan(0));

    await story.start({
      options,
      providers: [aHandler('work', meter.measured('second', work))],
    });
    await eventually(() => expect(meter.by.get('second')).toBe(2));
    await eventually(() => expect(meter.now).toBe(4));

    expect(meter.most).toBe(4);
    await story.clear();
  });

  it('that is named bounds the handlers of several queues', async () => {
    const meter = new Meter();
    const options = { limits: { stripe: { concurrency: 2 } } };
    const uses = ['stripe'];
    const providers = ['charge', 'refund'].map((queue) =>
      aHandler(queue, meter.measured(queue, aTick), { uses }),
    );
    const [one] = await Promise.all([
      story.start({ options, providers }),
      story.start({ options, providers }),
    ]);

    await one.queues.enqueueMany('charge', items(200));
    await one.queues.enqueueMany('refund', items(200));
    await eventually(() => expect(meter.total).toBe(400), { timeoutMs: 20_000 });

    expect(meter.most).toBeLessThanOrEqual(2);
    expect([...meter.by.values()]).toEqual([200, 200]);
  });

  it.each<[string, boolean]>([
    ['a worker that starts to their backlogs', true],
    ['an idle worker whose lanes get jobs at the same time', false],
  ])('that many lanes share is claimed for as often as it lets start: %s', async (_, isCold) => {
    const LANES = 6;
    const meter = new Meter();
    const gate = aGate();
    const queues = Array.from({ length: LANES }, (_each, n) => `lane-${n}`);
    const options = { limits: { stripe: { concurrency: 2 } }, concurrency: 30 };
    const providers = [
      ...queues.map((queue) =>
        aHandler(
          queue,
          meter.measured(queue, () => gate.passed),
          { uses: ['stripe'] },
        ),
      ),
      aHandler('free', () => undefined),
    ];
    const producer = await story.start({ options: { worker: false } });
    const backlog = () =>
      Promise.all(queues.map((queue) => producer.queues.enqueueMany(queue, items(10))));
    if (isCold) await backlog();
    const worker = await story.start({ options, providers });
    if (!isCold) await backlog();

    await eventually(() => expect(meter.now).toBe(2));
    // What was claimed besides would be given back within a second.
    const { id } = await producer.queues.enqueue('free', 1, { delayMs: 1_500 });
    await untilJobIs('succeeded', producer, id);

    expect([meter.most, meter.total]).toEqual([2, 2]);
    expect(worker.seen('released')).toEqual([]);
    expect((await story.database.query('select from simple_queue.job')).length).toBe(LANES * 10);
    gate.open();
    await eventually(() => expect(meter.total).toBe(LANES * 10), { timeoutMs: 20_000 });
    expect(meter.most).toBe(2);
  });

  it('that many lanes share lets one enqueue of the process that works them claim its job, not each', async () => {
    const meter = new Meter();
    const gate = aGate();
    let work = aWhile;
    const queues = ['one', 'two', 'three'];
    const handler = (queue: string) =>
      aHandler(queue, meter.measured(queue, () => work()), { uses: ['narrow'] }); // prettier-ignore
    const app = await story.start({
      options: { limits: { narrow: { concurrency: 1 } } },
      providers: [...queues.map(handler), aHandler('later', () => undefined)],
    });
    for (const queue of queues)
      await untilJobIs('succeeded', app, (await app.queues.enqueue(queue, 1)).id);

    work = () => gate.passed;
    await Promise.all(queues.map((queue) => app.queues.enqueue(queue, 2)));
    // What was claimed besides would be given back within a second.
    const { id } = await app.queues.enqueue('later', 1, { delayMs: 1_500 });
    await untilJobIs('succeeded', app, id);

    expect(app.seen('released')).toEqual([]);
    gate.open();
    await eventually(() => expect(meter.total).toBe(6));
    expect(meter.most).toBe(1);
  });

  it.each<{ concurrency?: number; rate?: { limit: number; perMs: number } }>([
    { rate: { limit: 100, perMs: 100 } },
    { concurrency: 1 },
  ])('lets jobs start in a lane that is found late, and what nobody reports: %j', async (rule) => {
    const found = jest.fn();
    const options = { wakeUp: 'off', pollIntervalMs: 20, backoff: constant({ delayMs: 0 }) } as const; // prettier-ignore
    const handler = aHandler(
      'late*',
      ({ attempt }: Job) => {
        if (attempt > 1) return found();
        throw new Error('again');
      },
      { uses: ['api'] },
    );
    await story.start({ options: { ...options, limits: { api: rule } }, providers: [handler] });
    const producer = await story.start({ options: { ...options, worker: false } });

    for (let n = 1; n <= 2; n++) {
      const { id } = await producer.queues.enqueue('late-' + Object.keys(rule)[0], n);
      await untilJobIs('succeeded', producer, id);
      expect(found).toHaveBeenCalledTimes(n);
    }
  });

  it('of a process that is gone is free again after its jobs were put back', async () => {
    const rows = new Rows(story.database);
    await story.start({ options: LIMITED });
    const lease = await rows.lease();
    await story.database.query(
      `insert into simple_queue.allotment (name, shard, lease, n, wanted) values ('work', 0, $1, 1, 1)`,
      [lease],
    );
    await story.database.query(`update simple_queue.fleet_limit set allotted = 1`);
    const { id } = await rows.job({ state: 'running', queue: 'work', lease });
    // At last: a reaper is about.
    await story.database.query(
      `update simple_queue.lease set expires_at = now() - interval '1 second' where id = $1`,
      [lease],
    );

    const live = await story.start({
      options: LIMITED,
      providers: [aHandler('work', () => undefined)],
    });

    await untilJobIs('succeeded', live, id);
    expect(await sums()).toMatchObject({ allotted: 1, sum: 1 });
  });
});
