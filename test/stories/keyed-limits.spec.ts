import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Job } from '../../lib/job/job.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

/** How many of each key run at once in all processes together, now and at most. */
class KeyMeter {
  readonly now = new Map<string, number>();
  readonly most = new Map<string, number>();
  total = 0;

  readonly measured = (work: (job: Job) => unknown) => async (job: Job) => {
    const { tenant } = job.payload as { tenant: string };
    this.total++;
    this.now.set(tenant, (this.now.get(tenant) ?? 0) + 1);
    this.most.set(tenant, Math.max(this.most.get(tenant) ?? 0, this.now.get(tenant)!));
    try {
      return await work(job);
    } finally {
      this.now.set(tenant, this.now.get(tenant)! - 1);
    }
  };
}

const LIMITS =
  /^(hand_permits|draw_starts|look_at_limit|take_share|give_share|list_limits|declare_limit|lend)/;

const TWO = { queues: { work: { perKey: { by: 'tenant', concurrency: 2 } } } };
const aTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const items = (tenants: readonly string[], count: number) =>
  Array.from({ length: count }, (_, n) => ({ payload: { tenant: tenants[n % tenants.length] } }));

describe('a limit per key', () => {
  const story = aStory();

  const fleet = (
    count: number,
    meter: KeyMeter,
    {
      options = TWO,
      work = aTick,
    }: { options?: SimpleQueueOptions; work?: (job: Job) => unknown } = {},
  ): Promise<TestApplication[]> =>
    Promise.all(
      Array.from({ length: count }, () =>
        story.start({ options, providers: [aHandler('work', meter.measured(work))] }),
      ),
    );

  // First: the wake-ups of other tests' keys come late.
  it('costs those who use none nothing: a worker without limits asks for none, and a job with a key is stored by one statement', async () => {
    const meter = new KeyMeter();
    const [app] = await fleet(1, meter, { options: {} }); // prettier-ignore
    const sent = recordStatements();
    await app!.queues.enqueueMany('work', items(['a'], 200));
    await eventually(() => expect(meter.total).toBe(200), { timeoutMs: 30_000 });
    const { id } = await app!.queues.enqueue('work', { tenant: 'a' }, { delayMs: 1 });
    await untilJobIs('succeeded', app!, id);
    expect(sent.names).toContain('promote');
    expect(sent.names.filter((name) => LIMITS.test(name))).toEqual([]);

    // What it declares concerns the worker as well, so it comes after.
    const keyed = await story.start({ options: { ...TWO, worker: false } });
    await eventually(async () =>
      expect((await keyed.queues.find(randomUUID()))?.id).toBeUndefined(),
    );
    sent.names.length = 0;
    await keyed.queues.enqueue('other', { tenant: 'a' });
    await keyed.queues.enqueue('work', { tenant: 'a' });
    sent.stop();
    expect(sent.names.filter((name) => /^enqueue|insert into/.test(name))).toHaveLength(2);
    await eventually(() => expect(meter.total).toBe(202));
  });

  it('is kept by three processes together, and all jobs of all keys run', async () => {
    const meter = new KeyMeter();
    const apps = await fleet(3, meter);

    await apps[0]!.queues.enqueueMany('work', items(['a', 'b', 'c', 'd', 'e'], 500));
    await eventually(() => expect(meter.total).toBe(500), { timeoutMs: 30_000 });

    expect(Math.max(...meter.most.values())).toBe(2);
  });

  it('holds back what is over it alone: a full key does not stand in the way of a free one', async () => {
    const meter = new KeyMeter();
    const gate = aGate();
    const [app] = await fleet(1, meter, { work: ({ payload }) => ((payload as { tenant: string }).tenant === 'full' ? gate.passed : aTick()) }); // prettier-ignore

    await app!.queues.enqueueMany('work', items(['full'], 50));
    await eventually(() => expect(meter.now.get('full')).toBe(2));
    const { id } = await app!.queues.enqueue('work', { tenant: 'free' });
    await untilJobIs('succeeded', app!, id);

    expect(meter.most.get('full')).toBe(2);
    gate.open();
    await eventually(() => expect(meter.total).toBe(51));
  });

  it('is obeyed by remote workers, and explains who holds a full key', async () => {
    const app = await story.start({ options: TWO });
    const [first, second, third] = await app.queues.enqueueMany('work', items(['a'], 3));
    const queue = app.app.get(JobQueue, { strict: false });
    const leases = new Map<string, string>();
    const claim = async () => {
      const request = { workerId: 'remote', queues: ['work'], limit: 5, leaseMs: 3_600_000 };
      const { leaseId, jobs } = await queue.claim(request);
      for (const { id } of jobs) leases.set(id, leaseId);
      return jobs.map(({ id }) => id);
    };
    await eventually(async () => {
      await claim();
      expect(leases.size).toBe(2);
    });
    expect(await claim()).toEqual([]);
    const ids = [...leases.keys()];
    expect(ids.toSorted()).toEqual([first!.id, second!.id].toSorted());

    const { reasons } = await app.app.get(QueueAdmin, { strict: false }).explain(third!.id);
    expect(reasons[0]).toMatchObject({
      code: 'KEY_FULL',
      text: expect.stringContaining(`${ids[0]} on remote`),
    });
    await queue.complete(leases.get(ids[0]!)!, ids[0]!);
    await eventually(async () => expect(await claim()).toEqual([third!.id]));
  });
});
