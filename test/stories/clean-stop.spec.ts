import { describe, expect, it } from '@jest/globals';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { Permit } from '../../lib/job/permit.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate, never } from '../support/gate.js';
import { scaled } from '../support/patience.mjs';
import { aStory, untilJobIs } from '../support/story.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('I9 clean stop', () => {
  const story = aStory();

  const inFlight = async (): Promise<number> =>
    Number(
      (
        await story.database.query(
          `select coalesce(sum(cardinality(jobs)), 0) as n from simple_queue.claim`,
        )
      )[0]!.n,
    );

  const running = (application: TestApplication, count = 1) =>
    eventually(() => expect(application.seen('started').length).toBe(count));

  it('lets what runs end, and keeps its result', async () => {
    const gate = aGate();
    const application = await story.start({
      providers: [aHandler('ends', () => gate.passed.then(() => 'done'))],
    });
    const { id } = await application.queues.enqueue('ends', {});
    await running(application);

    const stopped = application.worker.stop();
    gate.open();
    await stopped;

    expect(await application.queues.find(id)).toMatchObject({ state: 'succeeded', output: 'done' });
    expect(await inFlight()).toBe(0);
  });

  it('claims nothing more once it stops, and gives back what has not started', async () => {
    const gate = aGate();
    const application = await story.start({
      providers: [aHandler('more', () => gate.passed, { concurrency: 2 })],
    });
    const jobs = await application.queues.enqueueMany(
      'more',
      Array.from({ length: 50 }, () => ({ payload: {} })),
    );
    await running(application, 2);

    const stopped = application.worker.stop();
    gate.open();
    await stopped;

    const states = await Promise.all(
      jobs.map(async ({ id }) => (await application.queues.find(id))!),
    );
    expect(states.filter((job) => job.state === 'succeeded').length).toBe(2);
    expect(states.filter((job) => job.state === 'ready' && job.attempt === 0).length).toBe(48);
    expect(await inFlight()).toBe(0);
  });

  it('aborts what runs longer than the grace, then gives it back with its attempt unspent', async () => {
    let reason: unknown;
    const application = await story.start({
      options: { shutdownGraceMs: 50 },
      providers: [
        aHandler('slow', async (_job, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          reason = signal.reason;
          throw signal.reason;
        }),
      ],
    });
    const { id } = await application.queues.enqueue('slow', {});
    await running(application);

    await application.worker.stop();

    expect(reason).toMatchObject({ code: 'SHUTDOWN' });
    expect(await application.queues.find(id)).toMatchObject({
      state: 'ready',
      attempt: 0,
      history: [],
    });
    expect(application.seen('released')).toMatchObject([{ id, reason: 'shutdown' }]);
    expect(await inFlight()).toBe(0);
  });

  it('does not wait for a handler that never returns', async () => {
    const application = await story.start({
      options: { shutdownGraceMs: 50 },
      providers: [aHandler('never', never)],
    });
    const { id } = await application.queues.enqueue('never', {});
    await running(application);

    await application.worker.stop();

    expect(await application.queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
    expect(application.seen('workerStopped')).toMatchObject([{ released: 1 }]);
    expect(await inFlight()).toBe(0);
  });

  it('does not wait for a lone suspect that never returns', async () => {
    const application = await story.start({
      options: { shutdownGraceMs: 50, worker: { autoStart: false } },
      providers: [aHandler('lone', never)],
    });
    const { id } = await application.queues.enqueue('lone', {});
    await becomeSuspect(id, 3);
    await application.worker.start();
    await running(application);

    await application.worker.stop();

    expect(await application.queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
    expect(await inFlight()).toBe(0);
  });

  it('gives back the second run of a job whose timed-out first run goes on in the same process', async () => {
    const first = aGate();
    const runs: number[] = [];
    const application = await story.start({
      options: { shutdownGraceMs: 50 },
      providers: [
        aHandler('twice', (job) => {
          runs.push(job.attempt);
          return job.attempt === 1 ? first.passed : never();
        }),
      ],
    });
    const { id } = await application.queues.enqueue(
      'twice',
      {},
      { timeoutMs: 300, maxAttempts: 1_000, backoff: { type: 'constant', delayMs: 0 } },
    );
    // Or a later one: each has but a moment.
    await eventually(() => expect(runs.length).toBeGreaterThan(1));
    first.open();
    await first.passed;

    await application.worker.stop();

    expect(['ready', 'scheduled']).toContain((await application.queues.find(id))?.state);
    expect(await inFlight()).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const application = await story.start({
      options: { shutdownGraceMs: 3_600_000 },
      providers: [aHandler('hurry', never)],
    });
    const { id } = await application.queues.enqueue('hurry', {});
    await running(application);

    const stopped = application.worker.stop();
    await eventually(() => process.emit('SIGTERM'));
    await stopped;

    expect(await application.queues.find(id)).toMatchObject({ state: 'ready', attempt: 0 });
  });

  it('takes enqueues during the drain, and for the process that comes next', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('drained', () => gate.passed)] });
    await application.queues.enqueue('drained', {});
    await running(application);

    const closed = application.close();
    const { id } = await application.queues.enqueue('drained', { late: true });
    gate.open();
    await closed;

    const next = await story.start({ providers: [aHandler('drained', () => 'next')] });
    expect(await untilJobIs('succeeded', next, id)).toMatchObject({ output: 'next' });
    await expect(application.queues.enqueue('drained', {})).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });

  it('starts no handler whose permit came after its job was given back', async () => {
    const asked = aGate();
    const answer = aGate();
    let processed = false;
    class Late {
      async acquire() {
        asked.open();
        await answer.passed;
        return Permit.free;
      }
      process(): void {
        processed = true;
      }
    }
    QueueHandler('late-permit')(Late);
    const application = await story.start({ options: { shutdownGraceMs: 10 }, providers: [Late] });
    const { id } = await application.queues.enqueue('late-permit', {});
    await asked.passed;

    await application.worker.stop();
    answer.open();
    await answer.passed;
    await eventually(async () => expect((await application.queues.find(id))?.state).toBe('ready'));

    expect(processed).toBe(false);
  });

  it('ends in bounded time while the database is away', async () => {
    const proxy = await TcpProxy.start(story.database.url);
    const gate = aGate();
    const application = await story.start({
      options: { shutdownGraceMs: 100, queryTimeoutMs: scaled(1_000) },
      typeorm: { url: proxy.url } as never,
      providers: [aHandler('away', () => gate.passed)],
    });
    const { id } = await application.queues.enqueue('away', {});
    await running(application);
    proxy.refuse();
    proxy.blackHole();

    gate.open();
    await application.worker.stop();
    await proxy.pass();

    const healthy = await story.start({ providers: [aHandler('away', () => 'again')] });
    expect(await untilJobIs('succeeded', healthy, id)).toMatchObject({ output: 'again' });
    proxy.stop();
  });

  it('says its last words in seconds, however long a silent server keeps a statement', async () => {
    const proxy = await TcpProxy.start(story.database.url);
    const gate = aGate();
    const application = await story.start({
      options: { queryTimeoutMs: 600_000, leaseMs: 1_800_000 },
      typeorm: { url: proxy.url } as never,
      providers: [aHandler('silent', () => gate.passed)],
    });
    await application.queues.enqueue('silent', {});
    await running(application);
    proxy.blackHole();

    const closed = application.close();
    gate.open();
    await closed;
    proxy.stop();
  });

  /** As if the job's process had crashed this often. */
  async function becomeSuspect(id: string, suspicion: number): Promise<void> {
    await story.database.query(
      `with gone as (delete from simple_queue.ready where id = $1),
       moved as (update simple_queue.job set suspicion = $2 where id = $1 returning *)
       insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch) select lane, shard, suspicion, run_at, id, epoch from moved`,
      [id, suspicion],
    );
  }
});
