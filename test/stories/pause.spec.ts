import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { patient } from '../support/patience.mjs';
import { pauseFor } from '../support/pause.js';
import { aStory, untilJobIs } from '../support/story.js';

const items = (count: number) => Array.from({ length: count }, (_, n) => ({ payload: { n } }));
const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });

describe('pause', () => {
  const story = aStory(PATIENT);

  /** Jobs of the paused queue stay ready while the same worker runs jobs of another one. */
  async function expectHeeded(
    application: TestApplication,
    paused: string,
    other: string,
  ): Promise<void> {
    await eventually(async () => {
      const probe = await application.queues.enqueue(paused, {});
      const marker = await application.queues.enqueue(other, {});
      await untilJobIs('succeeded', application, marker.id);
      expect(await application.queues.find(probe.id)).toMatchObject({ state: 'ready' });
    });
  }

  const untilListening = (workers: number) =>
    eventually(async () => {
      const listening = `select from pg_stat_activity where datname = current_database() and query ilike 'listen%'`;
      expect((await story.database.query(listening)).length).toBe(workers);
    });

  it('reaches workers of other processes at once by wake-up; what runs ends, enqueueing works, resume goes on', async () => {
    const gate = aGate();
    const ran: string[] = [];
    const slow = aHandler('slow-mail', async (job) => {
      ran.push(job.id);
      await gate.passed;
    });
    const worker = await story.start({
      options: { pollIntervalMs: 60_000 },
      providers: [slow, aHandler('beside', () => undefined)],
    });
    const operator = await story.start({ options: { worker: false } });
    await untilListening(1);
    const running = await worker.queues.enqueue('slow-mail', {});
    await eventually(() => expect(ran).toEqual([running.id]));

    await adminOf(operator).pause('slow-mail');
    await expectHeeded(worker, 'slow-mail', 'beside');
    gate.open();
    await untilJobIs('succeeded', worker, running.id);
    const [queue] = (await adminOf(operator).queues()).filter((each) => each.queue === 'slow-mail');
    expect(queue).toMatchObject({ paused: true, lanes: [{ workers: 1 }] });
    expect(queue!.ready.jobs).toBeGreaterThan(0);

    await adminOf(operator).resume('slow-mail');
    await eventually(async () =>
      expect((await adminOf(operator).stats('slow-mail')).ready.jobs).toBe(0),
    );
  });

  it('reaches them within a poll interval without wake-ups', async () => {
    const handlers = ['polled-mail', 'polled-beside'].map((queue) =>
      aHandler(queue, () => undefined),
    );
    const worker = await story.start({ options: { wakeUp: 'off' }, providers: handlers });
    const operator = await story.start({ options: { worker: false, wakeUp: 'off' } });
    const first = await operator.queues.enqueue('polled-mail', {});
    await untilJobIs('succeeded', worker, first.id);

    await adminOf(operator).pause('polled-mail');
    await expectHeeded(worker, 'polled-mail', 'polled-beside');

    await adminOf(operator).resume('polled-mail');
    await eventually(async () =>
      expect((await adminOf(operator).stats('polled-mail')).ready.jobs).toBe(0),
    );
  });

  it('stops a queue under load, claimed-ahead jobs included, and loses none', async () => {
    const ran: string[] = [];
    const gate = aGate();
    // However late the workers hear of it, some jobs are left.
    const handler = async ({ id }: { id: string }) => {
      if (ran.length >= 1_000) await gate.passed;
      ran.push(id);
    };
    const providers = [aHandler('loaded', handler), aHandler('loaded-beside', () => undefined)];
    const workers = [await story.start({ providers }), await story.start({ providers })];
    const admin = adminOf(workers[0]!);
    const jobs = await workers[0]!.queues.enqueueMany('loaded', items(20_000));
    await eventually(() => expect(ran.length).toBeGreaterThan(200));

    await pauseFor(workers, 'loaded');
    gate.open();
    await eventually(async () => {
      const { running, ready } = await admin.stats('loaded');
      expect(running.jobs).toBe(0);
      expect(ready.jobs).toBeGreaterThan(0);
    });
    const before = ran.length;
    for (const worker of workers) await expectHeeded(worker, 'loaded', 'loaded-beside');
    expect(ran.length).toBe(before);

    await admin.resume('loaded');
    await eventually(() => expect(ran.length).toBeGreaterThanOrEqual(jobs.length), {
      timeoutMs: 25_000,
    });
    await eventually(async () => expect((await admin.stats('loaded')).ready.jobs).toBe(0));
    const runs = new Set(ran);
    expect(runs.size).toBe(ran.length);
    expect(jobs.every(({ id }) => runs.has(id))).toBe(true);
  });

  it('is known to a worker that starts later, also for names that appear later; nothing waits for it to be empty', async () => {
    const operator = await story.start({ options: { worker: false } });
    const old = await operator.queues.enqueue('kept', {});
    await adminOf(operator).pause('kept');

    const handlers = ['kept', 'kept-beside'].map((queue) => aHandler(queue, () => undefined));
    const worker = await story.start({ providers: handlers });
    const named = await worker.queues.enqueue('kept', {}, { name: 'new-here' });
    const marker = await worker.queues.enqueue('kept-beside', {});
    await untilJobIs('succeeded', worker, marker.id);
    await worker.worker.runUntilEmpty({ timeoutMs: patient(5_000) });

    for (const { id } of [old, named]) {
      expect(await worker.queues.find(id)).toMatchObject({ state: 'ready' });
      // Until the worker has told that it serves the new name, there is a second reason.
      await eventually(async () =>
        expect((await adminOf(worker).explain(id)).reasons).toMatchObject([
          { code: 'QUEUE_PAUSED' },
        ]),
      );
    }
    await adminOf(worker).resume('kept');
    for (const { id } of [old, named]) await untilJobIs('succeeded', worker, id);
  });
});
