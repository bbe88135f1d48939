// What must hold with every package that opens transactions for others. Checked by a process of its own: Jest on Node.js 20 cannot load
// packages that require the modules of Nest.
import assert from 'node:assert/strict';
import type { Enqueued } from '../../lib/job/enqueue-options.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { QueueService } from '../../lib/queue.service.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import type { QueueWorker } from '../../lib/worker/queue-worker.js';
import type { Order } from '../examples/order.js';
import { eventually } from './eventually.js';
import { aGate } from './gate.js';
import type { Transactions } from './transactional.js';

export interface TransactionWorld {
  queues: QueueService;
  worker: QueueWorker;
  transactions: Transactions;
  /** Does NESTED open a savepoint, or a second transaction? */
  savepoints: boolean;
  /** The service of the guide. */
  orders: { place(order: Order): Promise<string> };
  /** What workers have heard since the rule began. */
  heard: Signal[];
  /** Queues that were warned about since the start, by warnOutsideTransaction. */
  beside: string[];
  /** Checkpoints that the runs of the handler of `writes` have found. */
  checkpoints: unknown[];
  query: <Row>(sql: string) => Promise<Row[]>;
}

export const UNDONE = new Error('undone');

const undone = (world: TransactionWorld, work: () => Promise<unknown>): Promise<void> =>
  assert.rejects(
    world.transactions.required(async () => {
      await work();
      throw UNDONE;
    }),
    UNDONE,
  );

const jobs = async ({ query }: TransactionWorld): Promise<unknown[]> =>
  (await query<{ payload: unknown }>('select payload from simple_queue.job order by id')).map(
    (row) => row.payload,
  );

export const RULES: Readonly<Record<string, (world: TransactionWorld) => Promise<void>>> = {
  async 'what is enqueued exists when the transaction commits, and wakes workers only then'(world) {
    const { queues, transactions, heard } = world;
    await transactions.required(async () => {
      await queues.enqueue('mail', 1);
      await queues.enqueueMany('mail', [{ payload: 2 }, { payload: 3 }]);
      assert.deepEqual([await jobs(world), heard], [[], []]);
    });
    assert.deepEqual(await jobs(world), [1, 2, 3]);
    assert.equal(heard.length, 2);
  },

  async 'what is enqueued does not exist, and wakes nobody, when the transaction rolls back'(
    world,
  ) {
    const { queues, heard } = world;
    await undone(world, async () => {
      await queues.enqueue('mail', 1);
      await queues.enqueueMany('mail', [{ payload: 2 }]);
      await queues.enqueue('mail', 3, { uniqueKey: 'one' });
      await queues.enqueue('mail', 4, { delayMs: 1_000 });
      await queues.enqueue('a-new-queue', 5);
    });
    assert.deepEqual([await jobs(world), heard], [[], []]);
  },

  async 'what is enqueued is found there, and nowhere else until it commits'({
    queues,
    transactions,
  }) {
    await transactions.required(async () => {
      const { id } = await queues.enqueue('mail', 1);
      assert.equal((await queues.find(id))?.state, 'ready');
      assert.equal(await transactions.notSupported(() => queues.find(id)), undefined);
    });
  },

  async 'a call that the transaction did not wait for is refused rather than let out'(world) {
    const over = aGate();
    const validate = (value: unknown) => over.passed.then(() => ({ value }));
    const Slow = defineJob({
      queue: 'mail',
      payload: { '~standard': { version: 1, vendor: 'test', validate } } as const,
    });
    const calls: Promise<Enqueued | Enqueued[]>[] = [];
    await undone(world, async () => {
      calls.push(world.queues.enqueue(Slow, 1), world.queues.enqueueMany(Slow, [{ payload: 2 }]));
      for (const call of calls) call.catch(() => undefined);
    });
    over.open();
    for (const call of calls) await assert.rejects(call, { code: 'MANAGER_INACTIVE' });
    assert.deepEqual(await jobs(world), []);
  },

  async 'cancel, commit and abort are undone with the transaction, and hold with it'(world) {
    const { queues, transactions } = world;
    const { id: waiting } = await queues.enqueue('mail', 1);
    const staged = await queues.enqueueMany('mail', [2, 3].map((payload) => ({ payload, staged: true }))); // prettier-ignore
    const [kept, dropped] = staged.map(({ id }) => id) as [string, string];
    const all = async () => {
      await queues.cancel({ id: waiting });
      await queues.commit(kept);
      await queues.abort(dropped);
    };
    const states = () =>
      Promise.all([waiting, kept, dropped].map(async (id) => (await queues.find(id))?.state));
    await undone(world, all);
    assert.deepEqual(await states(), ['ready', 'staged', 'staged']);
    await transactions.required(all);
    assert.deepEqual(await states(), ['cancelled', 'ready', 'cancelled']);
  },

  async 'a job cannot be waited for inside'(world) {
    await undone(world, () =>
      assert.rejects(world.queues.enqueueAndWait('mail', 1), { code: 'WAIT_IN_TRANSACTION' }),
    );
    assert.deepEqual(await jobs(world), []);
  },

  async 'REQUIRES_NEW commits by itself'(world) {
    const { queues, transactions, heard } = world;
    await undone(world, async () => {
      await queues.enqueue('mail', 'outer');
      await transactions.requiresNew(() => queues.enqueue('mail', 'inner'));
      assert.equal(heard.length, 1);
      await queues.enqueue('mail', 'outer again');
    });
    assert.deepEqual(await jobs(world), ['inner']);
  },

  async 'NOT_SUPPORTED stores at once'(world) {
    const { queues, transactions } = world;
    await undone(world, async () => {
      await transactions.notSupported(() => queues.enqueue('mail', 'outside'));
      await queues.enqueue('mail', 'inside');
    });
    assert.deepEqual(await jobs(world), ['outside']);
  },

  async 'what joins is not warned about, what is stored by itself inside is'(world) {
    const { queues, transactions, beside } = world;
    beside.length = 0;
    await transactions.required(async () => {
      await queues.enqueue('joins', 1);
      await transactions.requiresNew(() => queues.enqueue('joins', 2));
      await transactions.nested(() => queues.enqueue('joins', 3));
    });
    await queues.enqueue('joins', 4);
    await transactions.required(() => transactions.notSupported(() => queues.enqueue('beside', 5)));
    assert.deepEqual(beside, ['beside']);
  },

  async 'SUPPORTS joins what there is'(world) {
    const { queues, transactions } = world;
    await undone(world, () => transactions.supports(() => queues.enqueue('mail', 'inside')));
    await transactions.supports(() => queues.enqueue('mail', 'alone'));
    assert.deepEqual(await jobs(world), ['alone']);
  },

  async 'NESTED is undone with what is around it, where it is a savepoint'(world) {
    const { queues, transactions, savepoints } = world;
    await undone(world, () => transactions.nested(() => queues.enqueue('mail', 'inner')));
    assert.deepEqual(await jobs(world), savepoints ? [] : ['inner']);
  },

  async 'NESTED that fails takes its own jobs along and no others, and their wake-ups come with the commit'(
    world,
  ) {
    const { queues, transactions, savepoints, heard } = world;
    const fails = async () => {
      await queues.enqueue('mail', 'inner');
      throw UNDONE;
    };
    await transactions.required(async () => {
      await queues.enqueue('mail', 'before');
      await transactions.nested(() => queues.enqueue('mail', 'released'));
      await assert.rejects(transactions.nested(fails), UNDONE);
      await queues.enqueue('mail', 'after');
      assert.equal(heard.length, savepoints ? 0 : 1);
    });
    assert.deepEqual((await jobs(world)).sort(), ['after', 'before', 'released']);
    assert.equal(heard.length, 3);
  },

  async 'a worker that is started inside works outside, and its handlers open transactions of their own'(
    world,
  ) {
    const { queues, worker, checkpoints, query } = world;
    await undone(world, () => worker.start());
    const { id } = await queues.enqueue('writes', { orderId: '1' });
    const job = await eventually(async () => {
      const found = await queues.find(id);
      assert.equal(found?.state, 'succeeded');
      return found;
    });
    await worker.stop();
    assert.deepEqual([job.attempt, job.output], [2, 'written']);
    // The first attempt's row, checkpoint, job and completion went with its transaction.
    assert.deepEqual(checkpoints, [null, null]);
    assert.deepEqual(await query('select "orderId" from receipt'), [{ orderId: '1' }]);
    assert.deepEqual(await jobs(world), [{ orderId: '1' }]);
  },

  async 'the examples of the guide do what they say'(world) {
    const { queues, worker, orders, query } = world;
    await undone(world, () => orders.place({ id: '2', email: 'a@b', amount: 5 }));
    assert.deepEqual([await jobs(world), await query('select id from "order"')], [[], []]);
    const id = await orders.place({ id: '3', email: 'a@b', amount: 5 });
    assert.deepEqual(await query('select id from "order"'), [{ id: '3' }]);
    assert.deepEqual({ ...(await worker.runUntilEmpty()) }.succeeded, 1);
    assert.equal((await queues.find(id))?.state, 'succeeded');
    assert.deepEqual(await query(`select text from receipt where "orderId" = '3'`), [
      { text: 'Paid: 3' },
    ]);
    assert.deepEqual(await jobs(world), [{ orderId: '3' }]);
  },
};
