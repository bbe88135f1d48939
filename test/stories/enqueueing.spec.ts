import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const AN_HOUR = 3_600_000;

describe('I1 durable, I2 atomic: from an enqueue to one end', () => {
  const story = aStory();

  beforeAll(() => story.database.query('create table orders (id uuid primary key, job uuid)'));

  it('brings every acknowledged job to exactly one end, while backends are terminated', async () => {
    const application = await story.start({
      providers: [aHandler('durable', (job) => job.payload, { concurrency: 50 })],
    });
    const acknowledged: string[] = [];
    let refused = 0;
    const caller = async (name: number): Promise<void> => {
      for (let n = 0; n < 100; n++) {
        const enqueue = application.queues.enqueue('durable', { name, n });
        await enqueue.then(
          ({ id }) => acknowledged.push(id),
          () => refused++,
        );
      }
    };

    const callers = Promise.all(Array.from({ length: 8 }, (_, name) => caller(name)));
    for (let round = 1; round <= 6; round++) {
      await eventually(() => acknowledged.length + refused >= round * 100);
      await story.database.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
    }
    await callers;

    const ends = `select id, count(*)::int as ends from (select id from simple_queue.archive union all select id from simple_queue.dead_letter) e
      where id = any($1) group by id`;
    await eventually(async () => {
      const rows = await story.database.query(ends, [acknowledged]);
      expect(rows.length).toBe(acknowledged.length);
      expect(rows.every((row) => row.ends === 1)).toBe(true);
    });
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
  });

  it('knows a job if and only if its transaction committed', async () => {
    const application = await story.start({ providers: [aHandler('atomic', () => undefined)] });
    const { dataSource, queues } = application;
    const order = async (n: number): Promise<void> => {
      await dataSource.transaction(async (manager) => {
        const { id } = await queues.enqueue('atomic', { n }, { manager });
        await manager.query('insert into orders values ($1, $2)', [randomUUID(), id]);
        if (n % 3 === 0) throw new Error('bad order');
        if (n % 7 === 0) await manager.query('select 1/0');
      });
    };

    await Promise.allSettled(Array.from({ length: 210 }, (_, n) => order(n)));

    await eventually(async () =>
      expect(
        await story.database.query(
          `select from simple_queue.jobs where queue = 'atomic' and state <> 'succeeded'`,
        ),
      ).toEqual([]),
    );
    const apart = `select j.id, o.id from (select id from simple_queue.jobs where queue = 'atomic') j full join orders o on o.job = j.id
      where j.id is null or o.id is null`;
    expect(await story.database.query(apart)).toEqual([]);
    expect((await story.database.query('select from orders')).length).toBe(120);
  });

  it('answers with the live job of a unique key, and takes the key again after its end', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('keyed', () => gate.passed)] });
    const { queues } = application;
    const first = await queues.enqueue('keyed', {}, { uniqueKey: 'k' });

    const second = await queues.enqueue('keyed', {}, { uniqueKey: 'k' });
    expect(second).toEqual({ id: first.id, created: false, outcome: 'existing' });
    gate.open();
    await untilJobIs('succeeded', application, first.id);

    expect(await queues.enqueue('keyed', {}, { uniqueKey: 'k' })).toMatchObject({ created: true });
    expect(await queues.enqueue('other', {}, { uniqueKey: 'k' })).toMatchObject({ created: true });
  });

  it('has one winner among many callers of a key, and all learn its id', async () => {
    const { queues } = await story.start({ options: { worker: false } });

    const answers = await Promise.all(
      Array.from({ length: 40 }, () => queues.enqueue('raced', {}, { uniqueKey: 'one' })),
    );

    expect(answers.filter((answer) => answer.created).length).toBe(1);
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  });

  it('inserts the rest of a batch with a duplicate, and answers in array order', async () => {
    const { queues } = await story.start({ options: { worker: false } });
    const [known] = await queues.enqueueMany('batch', [{ payload: 0, uniqueKey: 'b' }]);

    const answers = await queues.enqueueMany('batch', [
      { payload: 1 },
      { payload: 2, uniqueKey: 'b' },
      { payload: 3 },
    ]);

    expect(answers.map((answer) => answer.outcome)).toEqual(['created', 'existing', 'created']);
    expect(answers[1]!.id).toBe(known!.id);
  });

  it("knows a caller's id while the job lives and after it has ended", async () => {
    const application = await story.start({ providers: [aHandler('given', () => undefined)] });
    const id = randomUUID();

    expect(await application.queues.enqueue('given', {}, { id })).toMatchObject({
      id,
      created: true,
    });
    await untilJobIs('succeeded', application, id);

    expect(await application.queues.enqueue('given', {}, { id })).toEqual({
      id,
      created: false,
      outcome: 'existing',
    });
    await eventually(() => expect(application.seen('started').length).toBe(1));
  });

  it('runs the urgent first, and what is delayed not before its time', async () => {
    const order: unknown[] = [];
    const application = await story.start({
      options: { worker: { autoStart: false } },
      providers: [aHandler('ordered', (job) => void order.push(job.payload), { concurrency: 1 })],
    });
    const { queues, worker } = application;
    // The last one, also where its time has come before the first look.
    const delayed = await queues.enqueue('ordered', 'delayed', { delayMs: 400, priority: 32_767 });
    await queues.enqueueMany('ordered', [3, -2, 0, 32_767, -32_768].map((priority) => ({ payload: priority, priority }))); // prettier-ignore
    await queues.enqueue('ordered', 'far away', { runAt: new Date(Date.now() + AN_HOUR) });

    await worker.start();
    await untilJobIs('succeeded', application, delayed.id);

    expect(order).toEqual([-32_768, -2, 0, 3, 32_767, 'delayed']);
    const early = `select from simple_queue.archive where id = $1 and finished_at < created_at + interval '400 milliseconds'`;
    expect(await story.database.query(early, [delayed.id])).toEqual([]);
  });

  it('refuses an enqueue after the close', async () => {
    const application = await story.start({ options: { worker: false } });
    await application.close();

    await expect(application.queues.enqueue('closed', {})).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });
});
