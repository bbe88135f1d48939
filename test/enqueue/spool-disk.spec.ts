import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Storage } from '../../lib/storage/storage.js';
import { eventually } from '../support/eventually.js';
import { isReadOnly, isSmallDisk, isWritable, unmount } from '../support/spool.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../support/storage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Enqueues with a database that comes and goes, and a disk that is bad: what is stored, and what calls find afterwards. */
describe('a spool whose disk is bad', () => {
  let test: TestStorage;
  let root: string;
  let proxy: TcpProxy;
  let dataSource: Awaited<ReturnType<typeof aDataSource>>;
  let storage: Storage;
  let enqueuer: Enqueuer;
  let seen: string[];

  beforeAll(async () => {
    test = await aStorage();
    root = await mkdtemp(join(tmpdir(), 'spool-'));
    proxy = await TcpProxy.start(test.database.url);
    dataSource = await aDataSource(proxy.url);
  });
  beforeEach(async () => {
    seen = [];
    await test.database.query('delete from simple_queue.job where true');
  });
  afterEach(async () => {
    await proxy.pass();
    await storage.onApplicationShutdown();
  });
  afterAll(async () => {
    await dataSource.destroy();
    proxy.stop();
    await test.close();
    await rm(root, { recursive: true, force: true });
  });

  async function aProcess(name: string, maxBytes?: number): Promise<string> {
    const folder = join(root, name);
    const options = { spool: { folder, ...(maxBytes && { maxBytes }) }, heartbeatIntervalMs: 50, worker: false, wakeUp: 'off' } as const; // prettier-ignore
    const events = new QueueEventBus();
    events.on('warning', ({ code }) => void seen.push(code));
    events.on('loopFailed', ({ loop }) => void seen.push(loop));
    storage = await openStorage(dataSource, options, events);
    enqueuer = new Enqueuer(storage, resolveOptions(options).options, events);
    return folder;
  }
  const enqueue = async (payload: unknown, options: EnqueueOptions = {}) =>
    (await enqueuer.enqueue('mail', { payload, ...options }, {})).outcome;
  const spooled = async (...payloads: unknown[]) => {
    proxy.stop();
    for (const payload of payloads) expect(await enqueue(payload)).toBe('spooled');
  };
  const stored = async () =>
    (
      await test.database.query<{ payload: unknown }>(
        `select payload from simple_queue.jobs where payload::text <> '"direct"' order by id`,
      )
    ).map(({ payload }) => payload);
  const isDirect = () =>
    eventually(async () => expect(await enqueue('direct')).toBe('created'), { timeoutMs: 20_000 });
  const segment = () => storage.spool!.oldest().then((each) => each!.path);
  const refuse = async (what: () => Promise<void>) => {
    const check = `check (payload::text <> '"bad"')`;
    await test.database.query(`alter table simple_queue.job add constraint no_bad ${check}`);
    await what().finally(() =>
      test.database.query('alter table simple_queue.job drop constraint no_bad'),
    );
  };

  it('deleted: enqueues go to the database as before, and to a new folder where that is away', async () => {
    const folder = await aProcess('deleted');
    await rm(folder, { recursive: true });
    expect(await enqueue('a')).toBe('created');
    await spooled('b');
    await rm(folder, { recursive: true });
    await spooled('c');
    await proxy.pass();
    await isDirect();
    expect(await stored()).toEqual(['a', 'c']);
    expect(seen).toEqual(['SPOOL_GONE']);
  });

  it('a file now: a call without a database says so, and with one it needs no disk', async () => {
    const folder = await aProcess('file');
    await spooled('lost');
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
    await expect(enqueue('x')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringMatching(/EEXIST|ENOTDIR/) as unknown,
    });
    await proxy.pass();
    await isDirect();
    expect(await stored()).toEqual([]);
    expect(seen).toEqual(['SPOOL_GONE', 'SPOOL_FULL']);
  });

  it('read only now, with jobs on it: they are stored, calls need no disk, and the files go when they can', async () => {
    const folder = join(root, 'disk');
    if (!(await isSmallDisk(folder))) return void (await aProcess('other'));
    await aProcess('disk');
    await spooled('a', 'b');
    const path = await segment();
    isReadOnly(folder);
    await expect(enqueue('x')).rejects.toMatchObject({
      message: expect.stringContaining('EROFS') as unknown,
    });
    await proxy.pass();
    await isDirect();
    expect(await stored()).toEqual(['a', 'b']);
    expect((await stat(path)).size).toBeGreaterThan(0);
    expect(storage.spool!.state.jobs).toBe(0);
    isWritable(folder);
    await eventually(() => storage.spool!.isEmpty);
    await storage.onApplicationShutdown();
    unmount(folder);
    expect(seen).toContain('replay');
  });

  it('unreadable in one place: the rest is stored, and no call waits for it', async () => {
    await aProcess('unreadable');
    await spooled('lost');
    const path = await segment();
    await rm(path);
    await mkdir(join(path, 'in it'), { recursive: true });
    await spooled('a');
    await proxy.pass();
    await isDirect();
    expect(await stored()).toEqual(['a']);
    expect(seen).toContain('replay');
    await rm(path, { recursive: true });
  });

  it('without room for what the database refuses: that stays in its segment, and no call waits for it', async () => {
    const folder = await aProcess('aside');
    await spooled('a', 'bad', 'b');
    await writeFile(join(folder, 'aside'), '');
    await refuse(async () => {
      await proxy.pass();
      await isDirect();
      expect(await stored()).toEqual(['a', 'b']);
      await rm(join(folder, 'aside'));
      await eventually(() => storage.spool!.isEmpty);
    });
    expect(storage.spool!.state.aside.jobs).toBe(1);
    expect(seen.filter((each) => each !== 'replay')).toEqual(['SPOOL_ASIDE']);
  });

  it('returns to the database under calls that write faster than theirs can be stored', async () => {
    await aProcess('busy', 8 * 1024 * 1024);
    const alone = { uniqueKey: 'k', onConflict: 'replace' } as const;
    await enqueue('known', alone);
    proxy.stop();
    const text = 'x'.repeat(500_000);
    const produce = async () => {
      for (let direct = 0; direct < 3;)
        direct = (await enqueue(text, alone).catch(nextTurn)) === 'replaced' ? direct + 1 : 0;
    };
    const producers = Promise.all([produce(), produce(), produce()]);
    await eventually(() => storage.spool!.ownBytes > 6 * 1024 * 1024);
    await proxy.pass();
    proxy.delay(2);
    await producers;
    expect(storage.spool!.isBehind).toBe(false);
  });
});
