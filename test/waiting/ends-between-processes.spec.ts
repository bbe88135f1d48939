import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { QueueEventBus } from '../../lib/observability/events.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import type { Storage } from '../../lib/storage/storage.js';
import { Waits } from '../../lib/waiting/waits.js';
import { eventually } from '../support/eventually.js';
import { aStorage, openStorage, type TestStorage } from '../support/storage.js';

const { options } = resolveOptions({});
const succeeded = (id: string) => ({
  id,
  queue: 'mail',
  name: '',
  attempt: 1,
  runMs: 1,
  output: 1,
});

/** `test.storage` is the process that runs jobs, `web` the one that waits. */
describe('what processes tell each other of ends', () => {
  let test: TestStorage;
  let web: Storage;
  let waits: Waits;
  let wire: pg.Client;
  let onWire: string[];
  let woken: Signal[];

  beforeAll(async () => {
    test = await aStorage();
    new Waits(test.storage, options, test.events);
    test.storage.signals.receive((signal) => void woken.push(signal));
    woken = [];
    test.storage.signals.startListening();
    await eventually(() => expect(woken).toHaveLength(1));
    wire = new pg.Client({ connectionString: test.database.url });
    wire.on(
      'notification',
      (message) => void onWire.push(message.payload!.split(' ').slice(1).join(' ')),
    );
    await wire.connect();
    await wire.query('listen "sq:simple_queue"');
  });
  beforeEach(async () => {
    web = await openStorage(test.dataSource);
    waits = new Waits(web, options, new QueueEventBus(), 0);
    await wire.query('select 1');
    [onWire, woken] = [[], []];
  });
  afterEach(() => web.onApplicationShutdown());
  afterAll(async () => {
    await wire.end();
    await test.close();
  });

  const isListened = () => test.events.hasListener('succeeded');
  /** A listener's last statement is LISTEN, or its ping; the wire of this test is one of them. */
  const listeners = async () =>
    (
      await test.database.query(
        `select from pg_stat_activity where datname = current_database() and (query ilike 'listen %' or query = 'select 1')`,
      )
    ).length;

  it('is nothing while nobody waits: no message, no event is even made', async () => {
    expect(isListened()).toBe(false);
    test.events.emit('succeeded', () => {
      throw new Error('made for nobody');
    });
    await wire.query('select 1');
    expect(onWire).toEqual([]);
  });

  it('is who waits for what, and that it has ended: of that job alone, and once', async () => {
    const { id } = await test.rows.job();
    const end = waits.wait(id, { timeoutMs: 60_000 });
    await eventually(() => expect(isListened()).toBe(true));
    // The wire of this test may hear of it after the worker.
    await eventually(() => expect(onWire).toEqual([`w ${id}`]));

    test.events.emit('succeeded', () => succeeded(randomUUID()));
    test.events.emit('retried', () => ({
      ...{ ...succeeded(id), maxAttempts: 3, again: { delayMs: 0 } },
      error: { name: 'Error', message: 'no' },
    }));
    expect(isListened()).toBe(true);
    await test.storage.cancels.byId(test.storage.database.callers.run, [id], { '': 60_000 });
    test.events.emit('succeeded', () => succeeded(id));

    expect(await end).toEqual({ id, state: 'cancelled' });
    await eventually(() => expect(onWire).toEqual([`w ${id}`, `e ${id}`]));
    expect(isListened()).toBe(false);
  });

  it('wakes no worker', async () => {
    const { id } = await test.rows.job();
    const end = waits.wait(id, { timeoutMs: 300 });
    const isOver = expect(end).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
    await eventually(() => expect(isListened()).toBe(true));
    test.events.emit('failed', () => ({
      ...succeeded(id),
      state: 'failed',
      error: { name: 'Error', message: 'no' },
    }));
    await isOver;
    // All of it has been said, and none of it is left for the wire of the next test.
    await eventually(() => expect(onWire).toEqual([`w ${id}`, `e ${id}`]));
    expect(woken).toEqual([]);
  });

  it('stays within what a NOTIFY holds, however many wait', async () => {
    const ids = Array.from({ length: 1_000 }, () => randomUUID());
    web.endSignals.send('waited', ids);
    await eventually(() =>
      expect(onWire.flatMap((message) => message.split(' ')[1]!.split(','))).toHaveLength(1_000),
    );
    expect(onWire).toHaveLength(5);
    expect(Math.max(...onWire.map((message) => message.length))).toBeLessThan(7_900);
    // The worker may hear of the last ones after the wire of this test.
    await eventually(() => {
      for (const id of ids) test.events.emit('succeeded', () => succeeded(id));
      expect(isListened()).toBe(false);
    });
    await eventually(() =>
      expect(onWire.filter((message) => message.startsWith('e'))).not.toHaveLength(0),
    );
  });

  it('is nothing with wakeUp off: looking is enough', async () => {
    const quiet = await openStorage(test.dataSource, { wakeUp: 'off' });
    const { id } = await test.rows.job();
    const end = new Waits(quiet, options, new QueueEventBus()).wait(id, { timeoutMs: 60_000 });
    await test.storage.cancels.byId(test.storage.database.callers.run, [id], { '': 60_000 });
    expect(await end).toEqual({ id, state: 'cancelled' });
    expect(onWire.filter((text) => text.includes(id))).toEqual([]);
    await quiet.onApplicationShutdown();
  });

  it('is heard on a connection that opens with the first waiter and closes after the last', async () => {
    const { id } = await test.rows.job();
    // Those of the tests before may still take their leave.
    await eventually(async () => expect(await listeners()).toBe(2));
    const controller = new AbortController();
    const ends = [1, 2, 3].map(() =>
      waits.wait(id, { timeoutMs: 60_000, signal: controller.signal }),
    );
    await eventually(async () => expect(await listeners()).toBe(3));
    controller.abort();
    await Promise.allSettled(ends);
    await eventually(async () => expect(await listeners()).toBe(2));

    const again = waits.wait(id, { timeoutMs: 60_000 });
    await eventually(async () => expect(await listeners()).toBe(3));
    await test.storage.cancels.byId(test.storage.database.callers.run, [id], { '': 60_000 });
    expect(await again).toMatchObject({ state: 'cancelled' });
  });

  it('is heard as long as one of both wants to hear: the worker of a process, or those who wait in it', async () => {
    const { id } = await test.rows.job();
    const end = waits.wait(id, { timeoutMs: 60_000 });
    web.signals.startListening();
    await eventually(async () => expect(await listeners()).toBe(3));
    await web.signals.stopListening();
    expect(await listeners()).toBe(3);
    await test.storage.cancels.byId(test.storage.database.callers.run, [id], { '': 60_000 });
    expect(await end).toMatchObject({ state: 'cancelled' });
    await eventually(async () => expect(await listeners()).toBe(2));
  });
});
