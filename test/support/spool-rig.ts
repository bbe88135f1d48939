import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import type { EnqueueOptions, InTransaction } from '../../lib/job/enqueue-options.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Spool } from '../../lib/spool/spool.js';
import type { Storage } from '../../lib/storage/storage.js';
import { eventually } from './eventually.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from './storage.js';
import { TcpProxy } from './tcp-proxy.js';

/** A process with a spool, and a database that comes and goes. Its queue is `mail`. */
export class SpoolRig {
  test!: TestStorage;
  root!: string;
  proxy!: TcpProxy;
  storage!: Storage;
  /** Codes of warnings, and loops that failed. */
  seen: string[] = [];
  /** What events said when all was stored or put aside. */
  over: object[] = [];
  dataSource!: DataSource;
  private enqueuer!: Enqueuer;

  constructor() {
    beforeAll(async () => {
      this.test = await aStorage();
      this.root = await mkdtemp(join(tmpdir(), 'spool-'));
      this.proxy = await TcpProxy.start(this.test.database.url);
      this.dataSource = await aDataSource(this.proxy.url);
    });
    beforeEach(async () => {
      [this.seen, this.over] = [[], []];
      for (const table of ['job', 'ready', 'given_id'])
        await this.test.database.query(`delete from simple_queue.${table} where true`);
      await this.test.database.query('update simple_queue.queue set policy = null');
    });
    afterEach(async () => {
      await this.proxy.pass();
      await this.storage.onApplicationShutdown();
    });
    afterAll(async () => {
      await this.dataSource.destroy();
      this.proxy.stop();
      await this.test.close();
      await rm(this.root, { recursive: true, force: true });
    });
  }

  get spool(): Spool {
    return this.storage.spool!;
  }

  /** Answers its folder. */
  async start(name: string, maxBytes?: number, more: SimpleQueueOptions = {}): Promise<string> {
    const folder = join(this.root, name);
    const options = { spool: { folder, maxBytes }, heartbeatIntervalMs: 50, worker: false, wakeUp: 'off', ...more } as SimpleQueueOptions; // prettier-ignore
    const events = new QueueEventBus();
    events.on('warning', ({ code }) => void this.seen.push(code));
    events.on('loopFailed', ({ loop }) => void this.seen.push(loop));
    events.on('spooling', ({ phase, ...counts }) => void (phase === 'over' && this.over.push(counts))); // prettier-ignore
    this.storage = await openStorage(this.dataSource, options, events);
    this.enqueuer = new Enqueuer(this.storage, resolveOptions(options).options, events);
    return folder;
  }

  async enqueue(
    payload: unknown,
    options: EnqueueOptions = {},
    within: InTransaction = {},
  ): Promise<string> {
    const joined = this.storage.database.transactionOf(within);
    return (await this.enqueuer.enqueue('mail', { payload, ...options }, { joined })).outcome;
  }

  /** While the database is away. */
  async spooled(...payloads: unknown[]): Promise<void> {
    this.proxy.stop();
    for (const payload of payloads) expect(await this.enqueue(payload)).toBe('spooled');
  }

  async stored(): Promise<unknown[]> {
    const rows = await this.test.database.query<{ payload: unknown }>(
      `select payload from simple_queue.jobs where payload::text <> '"direct"' order by id`,
    );
    return rows.map(({ payload }) => payload);
  }

  /** Until calls go to the database again. */
  async isDirect(): Promise<void> {
    await eventually(async () => expect(await this.enqueue('direct')).toBe('created'), {
      timeoutMs: 20_000,
    });
  }

  isOver(): Promise<boolean> {
    return eventually(() => this.spool.isEmpty, { timeoutMs: 20_000 });
  }

  /** The database refuses the payload `bad` meanwhile. */
  async refusing(work: () => Promise<void>): Promise<void> {
    const check = `check (payload::text <> '"bad"')`;
    await this.test.database.query(`alter table simple_queue.job add constraint no_bad ${check}`);
    await work().finally(() =>
      this.test.database.query('alter table simple_queue.job drop constraint no_bad'),
    );
  }
}
