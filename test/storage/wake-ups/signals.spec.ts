import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import pg from 'pg';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { signalOf, Unsent } from '../../../lib/storage/wake-ups/signal.js';
import type { Signal } from '../../../lib/storage/wake-ups/signals.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { eventually } from '../../support/eventually.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

describe('signals', () => {
  let test: TestStorage;
  let queues: QueueService;
  let heard: Signal[];
  let wire: pg.Client;
  let onWire: string[];
  let deaf: () => void;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, resolveOptions({}).options, new QueueEventBus());
    await test.storage.lanes.of('mail', '');
    wire = new pg.Client({ connectionString: test.database.url });
    wire.on('notification', (message) => void onWire.push(message.payload ?? ''));
    await wire.connect();
    await wire.query('listen "sq:simple_queue"');
  });
  beforeEach(async () => {
    await wire.query('select 1');
    [heard, onWire] = [[], []];
    deaf = test.storage.signals.receive((signal) => void heard.push(signal));
  });
  afterEach(() => deaf());
  afterAll(async () => {
    await wire.end();
    await test.close();
  });

  const lane = () => test.storage.lanes.find('mail', '')!.id;

  it('tell this process at once, and others by one NOTIFY for many', async () => {
    for (let n = 0; n < 500; n++) test.storage.signals.send({ lanes: [n % 3] });
    expect(heard).toHaveLength(500);
    await eventually(() => expect(onWire.length).toBeGreaterThan(0));
    await wire.query('select 1');
    const lanes = onWire.flatMap((message) => message.split(' ')[2]!.split(','));
    expect(new Set(lanes)).toEqual(new Set(['0', '1', '2']));
    expect(onWire.length).toBeLessThan(10);
  });

  it.each<[string, Signal]>([
    ['lanes', { lanes: [5] }],
    ['a key', { lanes: [], keyed: true }],
    ['a look of the promoter', { lanes: [], later: true }],
  ])('still say "anywhere" where they leave together with one of %s', (_, other) => {
    const unsent = new Unsent();
    for (const signal of [{ lanes: [], anywhere: true }, other]) unsent.add(signal);
    expect(signalOf(unsent.take()!.split(' '))).toEqual({ ...other, lanes: [], anywhere: true });
    expect(unsent.take()).toBeUndefined();
  });

  it('leave at most once an interval, also when each comes after the last one has left', async () => {
    const startedAt = performance.now();
    for (let n = 0; n < 200; n++) {
      test.storage.signals.send({ lanes: [n] });
      await wire.query('select 1');
    }
    // Of 10 ms; a timer may be one too early.
    const intervals = (performance.now() - startedAt) / 9;
    await eventually(() => expect(onWire.at(-1)).toMatch(/(^|[ ,])199$/));
    expect(onWire.length).toBeLessThanOrEqual(intervals + 3);
  });

  it('never send names of queues, however long, and stay within what a NOTIFY holds', async () => {
    const name = 'q'.repeat(100);
    await queues.enqueue(name, 'secret');
    test.storage.signals.send({ lanes: Array.from({ length: 5_000 }, (_, n) => n + 1_000_000) });
    await eventually(() => expect(onWire.some((message) => message.endsWith(' a '))).toBe(true));
    for (const message of onWire) expect(message).toMatch(/^[a-z0-9]+ [acl]* [\d,]*$/);
  });

  it('use a channel that fits, whatever the schema', async () => {
    const schema = 's'.repeat(48);
    const storage = await openStorage(test.dataSource, { schema });
    await wire.query(`listen "sq:${schema}"`);
    storage.signals.send({ lanes: [7] });
    await eventually(() => expect(onWire.some((message) => message.endsWith(' 7'))).toBe(true));
    await storage.onApplicationShutdown();
  });

  it('send nothing with wakeUp off, and still tell this process', async () => {
    const storage = await openStorage(test.dataSource, { wakeUp: 'off' });
    const here: Signal[] = [];
    storage.signals.receive((signal) => void here.push(signal));
    storage.signals.startListening(test);
    storage.signals.send({ lanes: [99] });
    test.storage.signals.send({ lanes: [98] });
    await eventually(() => expect(onWire.some((message) => message.endsWith(' 98'))).toBe(true));
    expect(here).toEqual([{ lanes: [99] }]);
    expect(onWire.some((message) => message.endsWith(' 99'))).toBe(false);
    await storage.onApplicationShutdown();
  });

  describe("of a caller's transaction", () => {
    it('leave when it commits, not before', async () => {
      await test.dataSource.transaction(async (manager) => {
        await queues.enqueue('mail', 1, { manager });
        expect(heard).toEqual([]);
      });
      expect(heard).toMatchObject([{ lanes: [lane()], later: false }]);
      await eventually(() => expect(onWire).toHaveLength(1));
    });

    it('leave when it commits on another DataSource of the same database, which keeps nothing of it', async () => {
      const other = await aDataSource(test.database.url);
      const { subscribers } = other;
      const storage = await openStorage(test.dataSource);
      storage.signals.receive((signal) => void heard.push(signal));
      const through = new QueueService(storage, resolveOptions({}).options, new QueueEventBus());
      for (const count of [1, 2]) {
        await other.transaction(async (manager) => {
          await through.enqueue('mail', 1, { manager });
          expect(heard).toHaveLength(count - 1);
        });
        expect(heard).toHaveLength(count);
      }
      expect(subscribers).toHaveLength(1);
      await storage.onApplicationShutdown();
      expect(subscribers).toEqual([]);
      await other.destroy();
    });

    it('do not leave when a savepoint is released, but at the end', async () => {
      await test.dataSource.transaction(async (manager) => {
        await manager.transaction((nested) => queues.enqueue('mail', 1, { manager: nested }));
        expect(heard).toEqual([]);
      });
      expect(heard).toHaveLength(1);
    });

    it('never leave after a rollback, also with the same query runner afterwards', async () => {
      const runner = test.dataSource.createQueryRunner();
      await runner.startTransaction();
      await queues.enqueue('mail', 1, { manager: runner });
      await runner.rollbackTransaction();
      await runner.startTransaction();
      await runner.commitTransaction();
      await runner.release();
      expect(heard).toEqual([]);
    });

    it('do not claim a commit of what a savepoint rolled back', async () => {
      let committed = false;
      await test.dataSource.transaction(async (manager) => {
        const nested = manager.transaction(async (inner) => {
          test.storage.signals.onCommit(inner.queryRunner!, () => (committed = true));
          throw new Error('undone');
        });
        await expect(nested).rejects.toThrow('undone');
      });
      expect(committed).toBe(false);
    });

    it('leave for a cancel as well', async () => {
      const job = await test.rows.job({ state: 'running' });
      await test.dataSource.transaction(async (manager) => {
        await queues.cancel({ id: job.id }, { manager });
        expect(heard).toEqual([]);
      });
      expect(heard).toMatchObject([{ lanes: [], cancel: true }]);
      await eventually(() =>
        expect(onWire.some((message) => message.split(' ')[1] === 'c')).toBe(true),
      );
    });

    it('say how long before its commit the storing of a job began, where that is long', async () => {
      const other = await openStorage(test.dataSource);
      const there: Signal[] = [];
      other.signals.receive((signal) => void there.push(signal));
      other.signals.startListening(test);
      await eventually(() => expect(other.signals.listening?.isListening).toBe(true));
      await test.dataSource.transaction(async ({ queryRunner }) => {
        test.storage.signals.send({ lanes: [lane()] }, queryRunner, performance.now() - 20_000);
      });
      expect(heard[0]!.lateMs).toBeGreaterThanOrEqual(20_000);
      await eventually(() =>
        expect(there).toContainEqual({ lanes: [lane()], lateMs: Math.round(heard[0]!.lateMs!) }),
      );
      await other.onApplicationShutdown();
    });

    it('say that something is due later', async () => {
      await test.dataSource.transaction((manager) =>
        queues.enqueue('mail', 1, { manager, delayMs: 60_000 }),
      );
      expect(heard).toMatchObject([{ lanes: [], later: true }]);
      await eventually(() =>
        expect(onWire.some((message) => message.split(' ')[1] === 'l')).toBe(true),
      );
    });
  });

  it.each([
    ['a batch of one statement', 2],
    ['a batch of several statements', 5_001],
  ])('know when the storing began: %s', async (_, count) => {
    const send = jest.spyOn(test.storage.signals, 'send');
    await queues.enqueueMany(
      'mail',
      Array.from({ length: count }, () => ({ payload: 1 })),
    );
    expect(send.mock.calls).toEqual([[expect.anything(), undefined, expect.any(Number)]]);
    send.mockRestore();
  });

  it("leave the user's DataSource as it was", async () => {
    const dataSource = await aDataSource(test.database.url);
    const before = [...dataSource.subscribers];
    const storage: Storage = await openStorage(dataSource);
    expect(dataSource.subscribers).toHaveLength(before.length + 1);
    await storage.onApplicationShutdown();
    expect(dataSource.subscribers).toEqual(before);
    await dataSource.destroy();
  });
});
