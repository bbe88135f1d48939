import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { constant } from '../../lib/job/backoff.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { waitingBackends } from '../support/storage.js';
import { aStory, untilJobIs } from '../support/story.js';

interface Step {
  group: string;
  n: number;
}

const SOON = constant({ delayMs: 5 });

describe('ordered groups', () => {
  const story = aStory(PATIENT);
  let begun: string[] = [];
  let running = new Map<string, number>();
  let overlaps = 0;

  beforeEach(() => {
    [begun, running, overlaps] = [[], new Map(), 0];
  });

  /** Notes each start, and whether another job of its group runs. */
  const noting = async (
    job: Job<Step>,
    work: () => unknown = () => undefined,
  ): Promise<unknown> => {
    const { group, n } = job.payload;
    const others = running.get(group) ?? 0;
    if (others > 0) overlaps++;
    running.set(group, others + 1);
    begun.push(`${group}${n}`);
    try {
      return await work();
    } finally {
      running.set(group, running.get(group)! - 1);
    }
  };
  const stepsOf = (groups: string[], count: number) =>
    Array.from({ length: count }, (_, n) =>
      groups.map((group) => ({ payload: { group, n }, group, ordered: true })),
    ).flat();
  const startsOf = (group: string) => begun.filter((name) => name.startsWith(group));
  const expected = (group: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${group}${n}`);
  const untilEnded = (application: TestApplication, count: number) =>
    eventually(() => application.seen('succeeded').length === count, { timeoutMs: 20_000 });

  it('run one after another, beside each other and in many at once, in two processes', async () => {
    const providers = [
      aHandler('steps', (job) => noting(job, () => new Promise(setImmediate)), { concurrency: 50 }),
    ];
    const [one, two] = [await story.start({ providers }), await story.start({ providers })];
    const groups = Array.from({ length: 20 }, (_, n) => `${String.fromCharCode(97 + n)}`);

    await one.queues.enqueueMany('steps', stepsOf(groups, 30));
    await eventually(() => one.seen('succeeded').length + two.seen('succeeded').length === 600, {
      timeoutMs: 20_000,
    });

    for (const group of groups) expect(startsOf(group)).toEqual(expected(group, 30));
    expect(overlaps).toBe(0);
  });

  it('go on while transactions that enqueue to them follow each other without a gap', async () => {
    const application = await story.start({
      providers: [aHandler('steps', (job: Job<Step>) => noting(job))],
    });
    const { dataSource, queues } = application;
    let n = 0;
    const enqueueIn = async () => {
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      const step = { group: 'a', n: n++ };
      const enqueued = queues.enqueue('steps', step, { group: 'a', ordered: true, manager: runner.manager }); // prettier-ignore
      return { enqueued, runner };
    };
    const commit = async ({ runner }: Awaited<ReturnType<typeof enqueueIn>>) => {
      await runner.commitTransaction();
      await runner.release();
    };

    let last = await enqueueIn();
    await last.enqueued;
    // The next one waits for the lock of the group before the last one gives it up.
    while (begun.length < 10 && n < 1_000) {
      const next = await enqueueIn();
      await eventually(async () =>
        expect(await waitingBackends(story.database)).toBeGreaterThan(0),
      );
      await commit(last);
      await next.enqueued;
      last = next;
    }
    expect(begun.length).toBeGreaterThanOrEqual(10);
    await commit(last);
    await untilEnded(application, n);
    expect(startsOf('a')).toEqual(expected('a', n));
    expect(overlaps).toBe(0);
  });

  it('keep their order when jobs are retried, rescheduled and released', async () => {
    const handler = aHandler(
      'steps',
      (job: Job<Step>) =>
        noting(job, () => {
          if (job.attempt === 1 && job.payload.n % 3 === 0) throw new Error('again');
          if (job.reschedules === 0 && job.payload.n % 3 === 1) return JobResult.rescheduleIn(5);
          return undefined;
        }),
      { concurrency: 20, backoff: SOON },
    );
    const application = await story.start({ providers: [handler] });
    const groups = ['a', 'b', 'c'];
    await application.queues.enqueueMany('steps', stepsOf(groups, 9));
    await untilEnded(application, 27);

    const twice = [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 6, 6, 7, 7, 8];
    for (const group of groups) expect(startsOf(group)).toEqual(twice.map((n) => `${group}${n}`));
    expect(overlaps).toBe(0);
  });

  it.each([{ transactional: true }, { transactional: false }])(
    'begin, end and begin again without a pause (%j)',
    async (options) => {
      const application = await story.start({
        providers: [aHandler('steps', (job) => noting(job), options)],
      });
      for (let n = 0; n < 20; n++) {
        await application.queues.enqueue('steps', { group: 'a', n }, { group: 'a', ordered: true });
        if (n % 4 === 3) await untilEnded(application, n + 1);
      }
      await untilEnded(application, 20);
      expect(begun).toEqual(expected('a', 20));
    },
  );

  it('follow the order of the commits of their producers', async () => {
    const application = await story.start({
      providers: [aHandler('steps', (job) => noting(job), { concurrency: 20 })],
    });
    const { queues, dataSource } = application;
    const committed: number[] = [];
    const produce = async (n: number) => {
      await dataSource.transaction(async (manager) => {
        await manager.query('select pg_sleep(random() * 0.01)');
        await queues.enqueue('steps', { group: 'a', n }, { manager, group: 'a', ordered: true });
        // Under the lock of the group: whoever passes here commits next.
        committed.push(n);
        await manager.query('select pg_sleep(random() * 0.005)');
      });
    };
    await Promise.all(Array.from({ length: 40 }, (_, n) => produce(n)));
    await untilEnded(application, 40);
    expect(begun).toEqual(committed.map((n) => `a${n}`));
  });

  it('dead job, block: followers wait, somebody is told, and a release lets them go on', async () => {
    const handler = aHandler('steps', (job: Job<Step>) =>
      noting(job, () =>
        job.payload.n === 0 && job.payload.group === 'a' ? JobResult.critical('no') : undefined,
      ),
    );
    const application = await story.start({ providers: [handler] });
    const answers = await application.queues.enqueueMany('steps', stepsOf(['a', 'b'], 2));
    await untilEnded(application, 2);
    await untilJobIs('critical', application, answers[0]!.id);

    expect(begun.sort()).toEqual(['a0', 'b0', 'b1']);
    await untilJobIs('blocked', application, answers[2]!.id);
    const message = expect.stringContaining(`Group "a" of queue "steps" is blocked by job ${answers[0]!.id}`); // prettier-ignore
    await eventually(() => expect(application.seen('warning')).toContainEqual({ code: 'GROUP_BLOCKED', message })); // prettier-ignore

    await application.storage.groups.release('steps', 'a');
    await untilJobIs('succeeded', application, answers[2]!.id);
  });

  it('dead job, skip and halt, as their queues say', async () => {
    const fails = (queue: string) =>
      aHandler(queue, (job: Job<Step>) =>
        noting(job, () => (job.payload.n === 0 ? JobResult.critical('no') : undefined)),
      );
    const queues = { skips: { onDeadJob: 'skip' }, halts: { onDeadJob: 'halt' } } as const;
    const application = await story.start({
      providers: [fails('skips'), fails('halts')],
      options: { queues },
    });
    await application.queues.enqueueMany('skips', stepsOf(['a'], 3));
    await untilEnded(application, 2);

    const [dead] = await application.queues.enqueueMany('halts', stepsOf(['b'], 2));
    await untilJobIs('critical', application, dead!.id);
    const { id } = await application.queues.enqueue(
      'halts',
      { group: 'c', n: 1 },
      { group: 'c', ordered: true },
    );
    await untilJobIs('blocked', application, id);
    await application.storage.groups.release('halts', 'b');
    await untilJobIs('succeeded', application, id);
    await untilEnded(application, 4);
  });

  it('a halted queue delays nobody, however many groups begin in it, and is not looked at again and again', async () => {
    const fails = aHandler('halts', (job: Job<Step>) =>
      noting(job, () => job.payload.group === 'dead' && JobResult.critical('no')),
    );
    // Each of these turns becomes vacant with its commit.
    const others = aHandler('steps', (job: Job<Step>) => noting(job), {
      concurrency: 20,
      transactional: true,
    });
    const queues = { halts: { onDeadJob: 'halt' } } as const;
    const application = await story.start({
      providers: [fails, others],
      options: { queues, pollIntervalMs: 20 },
    });
    const [dead] = await application.queues.enqueueMany('halts', stepsOf(['dead'], 1));
    await untilJobIs('critical', application, dead!.id);
    const groups = Array.from({ length: 1_000 }, (_, n) => `waits ${n}.`);
    await application.queues.enqueueMany('halts', stepsOf(groups, 1));

    await application.queues.enqueueMany('steps', stepsOf(['a', 'b', 'c'], 5));
    await untilEnded(application, 15);
    expect(startsOf('waits')).toEqual([]);

    const [looks, rounds] = [
      jest.spyOn(application.storage.groups, 'handOn'),
      jest.spyOn(application.storage.claims, 'promote'),
    ];
    // What the last ends had to hand on is done in the first ones.
    await eventually(() => rounds.mock.calls.length >= 10);
    looks.mockClear();
    await eventually(() => rounds.mock.calls.length >= 20);
    expect(looks.mock.calls.length).toBeLessThan(2);

    await application.storage.groups.release('halts', 'dead');
    await untilEnded(application, 1_015);
  });

  it('a head that is cancelled while it runs lets the next one go on', async () => {
    const stopped = aGate();
    const handler = aHandler('steps', async (job: Job<Step>, { signal }) => {
      if (job.payload.n > 0) return;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped.open();
      throw new Error('stopped');
    });
    const application = await story.start({ providers: [handler] });
    const [head, next] = await application.queues.enqueueMany('steps', stepsOf(['a'], 2));
    await eventually(() => application.seen('started').length === 1);
    expect(await application.queues.cancel({ id: head!.id })).toEqual({
      cancelled: 0,
      requested: 1,
    });
    await stopped.passed;
    await untilJobIs('succeeded', application, next!.id);
    expect(await application.queues.find(head!.id)).toMatchObject({ state: 'cancelled' });
  });

  it('a queue that is ordered as a whole runs one job at a time, whatever its concurrency', async () => {
    const options = { queues: { strict: { ordered: true, concurrency: 50 } } };
    const providers = [aHandler('strict', (job: Job<Step>) => noting(job))];
    const [one, two] = [
      await story.start({ providers, options }),
      await story.start({ providers, options }),
    ];
    const items = Array.from({ length: 50 }, (_, n) => ({ payload: { group: 'a', n } }));
    await one.queues.enqueueMany('strict', items);
    await eventually(() => one.seen('succeeded').length + two.seen('succeeded').length === 50);
    expect(begun).toEqual(expected('a', 50));
  });

  it('are drained whole: what waits for its turn is due', async () => {
    const application = await story.start({
      providers: [aHandler('steps', (job) => noting(job))],
      options: { worker: { autoStart: false } },
    });
    await application.queues.enqueueMany('steps', stepsOf(['a', 'b'], 10));
    expect(await application.worker.runUntilEmpty()).toMatchObject({ succeeded: 20 });
  });

  it('a job of later holds up its followers, not other groups', async () => {
    const application = await story.start({ providers: [aHandler('steps', (job) => noting(job))] });
    const step = (group: string, n: number, delayMs = 0) =>
      application.queues.enqueue('steps', { group, n }, { group, ordered: true, delayMs });
    const later = await step('a', 0, 3_600_000);
    const follower = await step('a', 1);
    const other = await step('b', 0);
    await untilJobIs('succeeded', application, other.id);
    expect(await application.queues.find(follower.id)).toMatchObject({
      state: 'blocked',
      group: 'a',
    });
    await application.queues.change(later.id, { delayMs: 20 });
    await untilJobIs('succeeded', application, follower.id);
    expect(begun).toEqual(['b0', 'a0', 'a1']);
  });
});
