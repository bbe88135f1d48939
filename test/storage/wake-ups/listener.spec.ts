import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { DataSource } from 'typeorm';
import { QueueEventBus } from '../../../lib/observability/events.js';
import type { Loop } from '../../../lib/runtime/loop.js';
import type { Signal } from '../../../lib/storage/wake-ups/signals.js';
import type { Storage } from '../../../lib/storage/storage.js';
import { eventually } from '../../support/eventually.js';
import { scaled } from '../../support/patience.mjs';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

/** Where listening begins: what was sent before was not heard. */
const LOOK: Signal = { lanes: [], anywhere: true, cancel: true, later: true, schedules: true };

/** Another process, as far as the database can tell: a Storage of its own, behind a network of its own. */
describe('the listener', () => {
  let test: TestStorage;
  let proxy: TcpProxy;
  let dataSource: DataSource;
  let other: Storage;
  let heard: Signal[];
  let failures: unknown[];

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(async () => {
    proxy = await TcpProxy.start(test.database.url);
    dataSource = await aDataSource(test.database.url);
    const events = new QueueEventBus();
    [heard, failures] = [[], []];
    events.on('loopFailed', (failure) => void failures.push(failure.loop));
    const given = { queryTimeoutMs: scaled(400), listenUrl: proxy.url };
    other = await eventually(() => openStorage(dataSource, given, events));
    other.signals.receive((signal) => void heard.push(signal));
    other.signals.startListening(test);
    await hears(LOOK);
    for (const before of [heard, failures]) before.splice(0);
  });
  afterEach(async () => {
    await other.onApplicationShutdown();
    await dataSource.destroy();
    proxy.stop();
  });
  afterAll(() => test.close());

  /** Beside what a busy machine adds: a connection that replied late is opened again, and looks. */
  const hears = (signal: Signal) => eventually(() => expect(heard).toContainEqual(signal));
  const terminateListener = () =>
    test.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
    );
  /** Loops are private; what is tested is what a round finds, not when the next one is due. */
  const ping = () => (other.signals as unknown as { listener: Loop }).listener.wake();

  it('hears what another process sends: lanes, cancels, and what is due later', async () => {
    test.storage.signals.send({ lanes: [4, 5], cancel: true, later: true });
    await hears({ lanes: [4, 5], cancel: true, later: true });
  });

  it('hears that queues were paused or resumed', async () => {
    test.storage.signals.send({ lanes: [], pauses: true });
    await hears({ lanes: [], pauses: true });
  });

  it('hears of limits: that one has other shares, or another rule', async () => {
    const limits: [string, boolean][] = [];
    other.signals.hearOfLimits((...said) => void limits.push(said));
    test.storage.signals.tellOfLimit('api');
    test.storage.signals.tellOfLimit('api', { isRule: true });
    await eventually(() => expect(limits.toSorted()).toEqual([['api', false], ['api', true]])); // prettier-ignore
  });

  it.each(['anywhere', 'cancel', 'later', 'pauses', 'fair', 'schedules', 'keyed'] as const)(
    'hears of %s where nothing else is said with it',
    async (word) => {
      test.storage.signals.send({ lanes: [], [word]: true });
      await eventually(() => expect(heard).toEqual([{ lanes: [], [word]: true }]));
    },
  );

  it('does not hear itself twice', async () => {
    other.signals.send({ lanes: [6] });
    test.storage.signals.send({ lanes: [7] });
    await eventually(() => expect(heard.some((signal) => signal.lanes.includes(7))).toBe(true));
    expect(heard.filter((signal) => signal.lanes.includes(6))).toHaveLength(1);
  });

  it('comes back when its backend is terminated, and looks for what it may have missed', async () => {
    await terminateListener();
    await hears(LOOK);
    test.storage.signals.send({ lanes: [8] });
    await eventually(() => expect(heard.some((signal) => signal.lanes.includes(8))).toBe(true));
  });

  it('finds out a socket that says nothing any more, and opens another', async () => {
    proxy.blackHole();
    ping();
    await hears(LOOK);
    expect(new Set(failures)).toEqual(new Set(['listener']));
    test.storage.signals.send({ lanes: [9] });
    await eventually(() => expect(heard.some((signal) => signal.lanes.includes(9))).toBe(true));
  });

  describe('at an address that accepts and says nothing', () => {
    let mute: Server;
    beforeEach(async () => {
      mute = createServer((socket) => void socket.resume().on('error', () => undefined));
      await once(mute.listen(0, '127.0.0.1'), 'listening');
    });
    afterEach(() => void mute.close());
    const listenTo = async (typeorm: object) => {
      const [silent, events, told] = [
        await eventually(() => aDataSource(test.database.url, typeorm)),
        new QueueEventBus(),
        [] as string[],
      ];
      events.on('loopFailed', ({ loop }) => void told.push(loop));
      const { port } = mute.address() as AddressInfo;
      const accepted = once(mute, 'connection');
      const storage = await openStorage(
        silent,
        { listenUrl: `postgres://a@127.0.0.1:${port}/x` },
        events,
      );
      storage.signals.startListening(test);
      await accepted;
      return { told, close: () => storage.onApplicationShutdown().then(() => silent.destroy()) };
    };

    it('gives up, says so, and tries again', async () => {
      const { told, close } = await listenTo({ connectTimeoutMS: scaled(300) });
      await eventually(() => expect(told.slice(0, 2)).toEqual(['listener', 'listener']));
      await close();
    });

    it('does not hold up the end, and its failure is no news then', async () => {
      const { told, close } = await listenTo({ connectTimeoutMS: 3_600_000 });
      await close();
      expect(told).toEqual([]);
    });
  });

  it('tries again for as long as the server is away', async () => {
    proxy.refuse();
    proxy.reset();
    await eventually(() => expect(failures.length).toBeGreaterThan(2));
    await proxy.pass();
    await hears(LOOK);
  });

  it('leaves no connection behind when it stops', async () => {
    await other.signals.stopListening(test);
    await eventually(async () =>
      expect(
        await test.database.query(
          `select from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
        ),
      ).toEqual([]),
    );
  });
});
