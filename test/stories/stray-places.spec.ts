import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { QueueError } from '../../lib/job/queue.errors.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { runNext } from '../../lib/testing/testing.js';
import { aHandler, type TestApplication, failedLoops } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

/** What a role may do that may insert into `job` and `ready`: docs/guides/sql-producers.md grants it, as the second choice. */
describe('a place that is not its job’s', () => {
  const story = aStory();

  const laneOf = (queue: string) =>
    `(select l.id from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where q.name = '${queue}' limit 1)`;

  async function place(
    id: string,
    { lane = 'j.lane', epoch = 'j.epoch', at = 'j.run_at' },
  ): Promise<void> {
    await story.database.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
       select ${lane}, 0, j.priority, ${at}, j.id, ${epoch} from simple_queue.job j where j.id = $1`,
      [id],
    );
  }

  /** A job of this queue whose only place is in the lane of `mails`. */
  async function strayOf(queue: string): Promise<string> {
    const [row] = await story.database.query<{ id: string }>(
      `insert into simple_queue.job (id, shard, lane, queue, run_at, payload)
       select gen_random_uuid(), 0, l.id, l.queue, now(), '1' from simple_queue.lane l where l.id = ${laneOf(queue)} returning id`,
    );
    await place(row!.id, { lane: laneOf('mails') });
    return row!.id;
  }

  const ran: string[] = [];
  const handlers = (gate = Promise.resolve()) => {
    ran.length = 0;
    return ['mails', 'payments'].map((queue) =>
      aHandler(queue, (job) => (ran.push(`${job.queue} by ${queue}`), gate)),
    );
  };

  /** Queues that are known, whoever serves them. */
  async function aProducer(): Promise<TestApplication> {
    const producer = await story.start({ options: { worker: false } });
    for (const queue of ['mails', 'payments', 'elsewhere']) {
      const { id } = await producer.queues.enqueue(queue, 1, { delayMs: 60_000 });
      await producer.queues.cancel({ id });
    }
    return producer;
  }

  const strayWarnings = (app: TestApplication) =>
    app.seen('warning').filter(({ code }) => code === 'STRAY_PLACES');

  it('sends no job to the handler of another queue: its own one runs it', async () => {
    const producer = await aProducer();
    const ids = [await strayOf('payments'), await strayOf('payments')];
    const worker = await story.start({ providers: handlers() });
    for (const id of ids) await untilJobIs('succeeded', producer, id);
    expect(ran).toEqual(['payments by payments', 'payments by payments']);
    expect(strayWarnings(worker)).not.toEqual([]);
    expect(worker.seen('leaseLost').concat(worker.seen('released'))).toEqual([]);
    expect(failedLoops(worker)).toEqual([]);
  });

  it('leaves a job that nobody serves here where it belongs, and holds up nobody', async () => {
    const producer = await aProducer();
    const id = await strayOf('elsewhere');
    const worker = await story.start({ providers: handlers() });
    await eventually(() => strayWarnings(worker).length === 1);
    await untilJobIs('succeeded', producer, (await producer.queues.enqueue('mails', 1)).id);
    expect(await producer.queues.find(id)).toMatchObject({ state: 'ready', queue: 'elsewhere' });
    expect(ran).toEqual(['mails by mails']);
    await producer.queues.cancel({ id });
  });

  it('does not throw where the job is of a lane that nobody has registered', async () => {
    const producer = await aProducer();
    const id = await strayOf('elsewhere');
    await story.database.query('update simple_queue.job set lane = 424242 where id = $1', [id]);
    const worker = await story.start({ providers: handlers() });
    await eventually(() => strayWarnings(worker).length === 1);
    await untilJobIs('succeeded', producer, (await producer.queues.enqueue('mails', 1)).id);
    expect(failedLoops(worker)).toEqual([]);
    await story.clear();
  });

  it('does not run a job before its time, in whichever lane it is named', async () => {
    const producer = await aProducer();
    const worker = await story.start({ providers: handlers() });
    const { id } = await producer.queues.enqueue('payments', 1, { delayMs: 3_600_000 });
    await place(id, { at: 'now()' });
    await place(id, { lane: laneOf('mails') });
    await eventually(async () => {
      const [row] = await story.database.query<{ n: number }>(
        `select count(*)::int as n from simple_queue.ready`,
      );
      return row!.n === 0;
    });
    await eventually(() => strayWarnings(worker).length > 0);
    await eventually(
      async () => (await story.database.query('select from simple_queue.claim')).length === 0,
    );
    expect(await producer.queues.find(id)).toMatchObject({ state: 'scheduled' });
    expect(ran).toEqual([]);
    await producer.queues.cancel({ id });
  });

  it('takes no job away from the run that it has', async () => {
    const gate = aGate();
    const producer = await aProducer();
    const worker = await story.start({ providers: handlers(gate.passed) });
    const { id } = await producer.queues.enqueue('payments', 1);
    await eventually(() => ran.length === 1);
    await place(id, { lane: laneOf('mails') });
    await place(id, { epoch: 'j.epoch + 1' });
    await eventually(() => strayWarnings(worker).length > 0);
    await eventually(
      async () => (await story.database.query('select from simple_queue.ready')).length === 0,
    );
    gate.open();
    await untilJobIs('succeeded', producer, id);
    await eventually(() => worker.seen('succeeded').length === 1);
    expect(ran).toEqual(['payments by payments']);
    expect(worker.seen('leaseLost')).toEqual([]);
  });

  it('starts nothing of a paused queue', async () => {
    const producer = await aProducer();
    const admin = producer.app.get(QueueAdmin, { strict: false });
    await admin.pause('payments');
    const id = await strayOf('payments');
    const worker = await story.start({ providers: handlers() });
    await eventually(() => strayWarnings(worker).length === 1);
    expect(await producer.queues.find(id)).toMatchObject({ state: 'ready' });
    expect(ran).toEqual([]);
    await admin.resume('payments');
    await untilJobIs('succeeded', producer, id);
  });

  it('brings nothing to a remote worker but what is of its queues, and keeps nothing from it', async () => {
    const producer = await aProducer();
    const queue = producer.app.get(JobQueue, { strict: false });
    const strays = [await strayOf('payments'), await strayOf('elsewhere')];
    const { id } = await producer.queues.enqueue('mails', 1);
    await place(id, { at: `j.run_at - interval '1 second'` });
    const claim = (queues: string[], limit: number) =>
      queue.claim({ workerId: 'w', queues, leaseMs: 60_000, limit });
    const { leaseId, jobs } = await claim(['mails'], 1);
    expect(jobs.map((job) => job.id)).toEqual([id]);
    await queue.complete(leaseId, id);
    expect(await claim(['mails'], 10)).toMatchObject({ jobs: [] });
    const rest = await claim(['payments', 'elsewhere'], 10);
    expect(rest.jobs.map((job) => job.id).toSorted()).toEqual(strays.toSorted());
    for (const job of rest.jobs) await queue.complete(rest.leaseId, job.id);
    expect(await story.database.query('select from simple_queue.lease')).toEqual([]);
  });

  it('is no trouble to the test kit: the next job runs', async () => {
    await aProducer();
    const id = await strayOf('payments');
    const app = await story.start({
      providers: handlers(),
      options: { worker: { autoStart: false } },
    });
    expect(await runNext(app.app, 'mails').catch((error: QueueError) => error.code)).toBe(
      'NOTHING_DUE',
    );
    expect(await runNext(app.app)).toMatchObject({ id, queue: 'payments', outcome: 'succeeded' });
    expect(ran).toEqual(['payments by payments']);
  });
});
