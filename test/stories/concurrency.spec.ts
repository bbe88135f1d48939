import { describe, expect, it } from '@jest/globals';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { Permit } from '../../lib/job/permit.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

/** How many run at once, now and at most, by key. */
class Meter {
  private readonly now = new Map<string, number>();
  readonly most = new Map<string, number>();

  async measure(keys: string[], work: () => Promise<unknown>): Promise<void> {
    for (const key of keys) this.step(key, 1);
    await work();
    for (const key of keys) this.step(key, -1);
  }

  private step(key: string, by: number): void {
    const now = (this.now.get(key) ?? 0) + by;
    this.now.set(key, now);
    this.most.set(key, Math.max(this.most.get(key) ?? 0, now));
  }
}

const items = (count: number, options = {}) =>
  Array.from({ length: count }, (_, n) => ({ payload: { n }, ...options }));
const aTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what runs at once', () => {
  const story = aStory();

  it('is bound by process, queue and handler, whatever was claimed ahead', async () => {
    const meter = new Meter();
    const measured = (queue: string) => (job: Job) =>
      meter.measure(['process', queue, `${queue}:${job.name}`], aTick);
    const application = await story.start({
      options: { concurrency: 12, queueConcurrency: 4, queues: { wide: { concurrency: 9 } } },
      providers: [
        aHandler('wide', measured('wide')),
        aHandler('narrow', measured('narrow')),
        aHandler('single', measured('single'), { concurrency: 1 }),
      ],
    });

    const queues = ['wide', 'narrow', 'single'];
    for (const queue of queues) await application.queues.enqueueMany(queue, items(1_500));
    await eventually(() => expect(application.seen('succeeded').length).toBe(4_500), {
      timeoutMs: 20_000,
    });

    expect(meter.most.get('process')).toBeLessThanOrEqual(12);
    expect(meter.most.get('wide')).toBeLessThanOrEqual(9);
    expect(meter.most.get('narrow')).toBeLessThanOrEqual(4);
    expect(meter.most.get('single')).toBe(1);
  });

  it('is used to the full: ten slow jobs of a queue run together', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('full', () => gate.passed)] });

    await application.queues.enqueueMany('full', items(10));

    await eventually(() => expect(application.seen('started').length).toBe(10));
    gate.open();
  });

  it('with a range is filled up only when it has drained to less than its minimum', async () => {
    const release: (() => void)[] = [];
    const application = await story.start({
      options: { pollIntervalMs: 20 },
      providers: [
        aHandler('range', () => new Promise<void>((resolve) => release.push(resolve)), {
          concurrency: { min: 2, max: 5 },
        }),
        aHandler('beside', () => undefined),
      ],
    });
    const claims = async (): Promise<number[]> => {
      const rows = await story.database.query<{ jobs: string[] }>(
        'select jobs from simple_queue.claim order by created_at',
      );
      return rows.map(({ jobs }) => jobs.length);
    };
    const ended = (count: number) =>
      eventually(() => expect(application.seen('succeeded').length).toBe(count));

    await application.queues.enqueueMany('range', items(9));
    await eventually(() => expect(release.length).toBe(5));
    release.splice(0, 3).forEach((done) => done());
    await ended(3);
    // News, and a whole round of another queue beside it: two still run, so it asks for nothing.
    await application.queues.enqueueMany('range', items(1));
    const beside = await application.queues.enqueue('beside', {});
    await untilJobIs('succeeded', application, beside.id);
    expect((await claims()).filter((jobs) => jobs > 1)).toEqual([5]);
    expect(release.length).toBe(2);
    release.splice(0, 1).forEach((done) => done());

    await eventually(() => expect(release.length).toBe(1 + 4));
    release.splice(0).forEach((done) => done());
    await eventually(() => expect(release.length).toBeGreaterThan(0));
    release.splice(0).forEach((done) => done());
    await ended(11);
  });

  it('lets a small queue through beside the backlog of another', async () => {
    const BACKLOG = 20_000;
    let [small, backlog, before] = [0, 0, BACKLOG];
    const application = await story.start({
      options: { concurrency: 1, worker: { autoStart: false } },
      providers: [
        aHandler('backlog', () => (backlog++, aTick())),
        aHandler('small', () => void (++small === 10 && (before = backlog))),
      ],
    });
    await application.queues.enqueueMany('backlog', items(BACKLOG));
    await application.queues.enqueueMany('small', items(10));

    await application.worker.start();
    await eventually(() => expect(small).toBe(10));

    expect(before).toBeLessThan(BACKLOG);
  });

  it('gives back what was claimed ahead when the handler became slow: a full queue eats no attempts', async () => {
    const gate = aGate();
    const application = await story.start({
      providers: [
        aHandler('fickle', (job) =>
          (job.payload as { slow?: boolean }).slow ? gate.passed : undefined,
        ),
      ],
    });
    await application.queues.enqueueMany('fickle', items(3_000));
    await eventually(() => expect(application.seen('succeeded').length).toBe(3_000));

    await application.queues.enqueueMany(
      'fickle',
      Array.from({ length: 200 }, () => ({ payload: { slow: true } })),
    );

    await eventually(async () => {
      const ready = `select from simple_queue.jobs where queue = 'fickle' and state = 'ready'`;
      expect((await story.database.query(ready)).length).toBe(190);
    });
    gate.open();
    await eventually(() => expect(application.seen('succeeded').length).toBe(3_200));
    expect(application.seen('started').every(({ attempt }) => attempt === 1)).toBe(true);
  });
});

describe("a handler's own permits", () => {
  const story = aStory();

  function aGatekeeper(
    queue: string,
    acquire: (job: Job) => unknown,
    process: (job: Job) => unknown = () => undefined,
  ) {
    class Gatekeeper {
      acquire = acquire;
      process(job: Job): unknown {
        return process(job);
      }
    }
    QueueHandler(queue)(Gatekeeper);
    return Gatekeeper;
  }

  it('bound what runs, and come back however a run ends', async () => {
    const meter = new Meter();
    let free = 2;
    const acquire = () =>
      free > 0 ? (free--, new Permit(() => void free++)) : JobResult.rescheduleIn(1);
    const ends = [() => 'ok', () => JobResult.fail('no'), () => Promise.reject(new Error('no'))];
    const process = async (job: Job) => {
      await meter.measure(['all'], aTick);
      return ends[(job.payload as { n: number }).n % 3]!();
    };
    const application = await story.start({
      providers: [aGatekeeper('bounded', acquire, process)],
    });

    await application.queues.enqueueMany('bounded', items(30, { maxAttempts: 1 }));
    await eventually(() =>
      expect(application.seen('succeeded').length + application.seen('failed').length).toBe(30),
    );

    expect(meter.most.get('all')).toBeLessThanOrEqual(2);
    await eventually(() => expect(free).toBe(2));
  });

  it('spend neither attempt nor reschedule when they decline', async () => {
    let asked = 0;
    const declines = [
      JobResult.retryIn(0),
      JobResult.rescheduleIn(0),
      JobResult.fail('busy'),
      JobResult.success(),
    ];
    const acquire = () => (asked < declines.length ? declines[asked++] : Permit.free);
    const application = await story.start({ providers: [aGatekeeper('declining', acquire)] });
    const { id } = await application.queues.enqueue('declining', {}, { maxAttempts: 1 });

    const job = await untilJobIs('succeeded', application, id);

    expect(job).toMatchObject({ attempt: 1, reschedules: 0 });
    expect(application.seen('released').every(({ reason }) => reason === 'declined')).toBe(true);
  });

  it('may end the job: cancelled, unprocessable, critical', async () => {
    const answers = [
      JobResult.cancel('closed'),
      JobResult.unprocessable('bad'),
      JobResult.critical('broken'),
    ];
    const acquire = (job: Job) => answers[(job.payload as { n: number }).n];
    const application = await story.start({ providers: [aGatekeeper('ending', acquire)] });

    const jobs = await application.queues.enqueueMany('ending', items(3));

    for (const [index, state] of (['cancelled', 'unprocessable', 'critical'] as const).entries())
      await untilJobIs(state, application, jobs[index]!.id);
    expect(application.seen('started')).toEqual([]);
  });

  it('fail the attempt when asking for them throws', async () => {
    const acquire = () => Promise.reject(new Error('limiter is down'));
    const application = await story.start({ providers: [aGatekeeper('throwing', acquire)] });
    const { id } = await application.queues.enqueue('throwing', {}, { maxAttempts: 1 });

    expect(await untilJobIs('failed', application, id)).toMatchObject({
      lastError: { message: 'limiter is down' },
    });
  });

  it('harm nobody when their release throws', async () => {
    const acquire = () => new Permit(() => Promise.reject(new Error('limiter is down')));
    const application = await story.start({ providers: [aGatekeeper('unreleasable', acquire)] });
    const jobs = await application.queues.enqueueMany('unreleasable', items(30));

    for (const { id } of jobs) await untilJobIs('succeeded', application, id);
  });
});
