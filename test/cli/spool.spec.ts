import { mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { framed } from '../../lib/spool/record.js';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { QueueHealth } from '../../lib/health/queue-health.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { cli } from '../support/cli.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../support/storage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('spool on the command line, and for who looks', () => {
  let test: TestStorage;
  let folder: string;

  beforeAll(async () => {
    test = await aStorage();
    folder = await mkdtemp(join(tmpdir(), 'spool-'));
  });
  afterAll(async () => {
    await test.close();
    await rm(folder, { recursive: true, force: true });
  });

  const spool = (argv: string[]) =>
    cli(['spool', ...argv], { env: { DATABASE_URL: test.database.url } });
  const folders = async () => (await readdir(folder)).filter((name) => name !== 'aside');
  const stored = () =>
    test.database.query<{ payload: unknown }>('select payload from simple_queue.jobs order by id');

  /** A process without a server: it spools, looks, and dies without a word. */
  async function aDeadProcess(payloads: unknown[]): Promise<unknown> {
    const proxy = await TcpProxy.start(test.database.url);
    const dataSource = await aDataSource(proxy.url);
    const options = { spool: { folder }, worker: false, wakeUp: 'off' } as const;
    const storage = await openStorage(dataSource, options, test.events);
    const { options: resolved } = resolveOptions(options);
    const enqueuer = new Enqueuer(storage, resolved, test.events);
    proxy.stop();
    for (const payload of payloads) await enqueuer.enqueue('mail', { payload, delayMs: 5 }, {});
    const health = new QueueHealth(storage, resolved, { state: 'disabled', pulse: undefined });
    const { queue } = await health.isReady('queue', { timeoutMs: 100 });
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    return queue;
  }

  it('is ready without a database as long as there is room, and says what waits', async () => {
    expect(await aDeadProcess(['a', 'b'])).toMatchObject({
      status: 'up',
      spool: { jobs: 2, aside: 0 },
    });
  });

  it('status says whose jobs wait, without a database', async () => {
    const { code, json } = await cli(['spool', 'status', folder, '--json']);
    expect({ code, json }).toMatchObject({
      code: 0,
      json: { folders: [{ jobs: 2, segments: 1, format: 1 }], aside: { jobs: 0, damaged: 0 } },
    });
    expect((await cli(['spool', 'status', folder])).out).toContain('simple_queue, format 1');
    expect((await cli(['spool', 'status', '/nowhere'])).code).toBe(2);
  });

  it('export prints the jobs, and deletes them only with --remove and --yes', async () => {
    const { out } = await cli(['spool', 'export', folder, '--remove']);
    const lines = out.trim().split('\n').map((line) => JSON.parse(line) as object); // prettier-ignore
    expect(lines).toMatchObject([
      { queue: 'mail', payload: 'a', delayMs: 5 },
      { queue: 'mail', payload: 'b' },
    ]);
    expect((await folders()).length).toBe(1);
  });

  it('replay counts first, and stores with --yes', async () => {
    expect((await spool(['replay', folder])).out).toBe('2 jobs would be stored.\n');
    expect(await stored()).toEqual([]);
    const { code, json } = await spool(['replay', folder, '--yes', '--json']);
    expect({ code, json }).toEqual({
      code: 0,
      json: { dryRun: false, jobs: 2, existing: 0, aside: 0 },
    });
    expect((await stored()).map(({ payload }) => payload)).toEqual(['a', 'b']);
    expect(await folders()).toEqual([]);
  });

  it('leaves what a live process has', async () => {
    await aDeadProcess(['live']);
    const [name] = await folders();
    await utimes(join(folder, name!), new Date(), new Date());
    await spool(['replay', folder, '--yes']);
    await cli(['spool', 'export', folder, '--remove', '--yes']);
    expect(await folders()).toEqual([name]);
    await utimes(join(folder, name!), 0, 0);
    expect((await cli(['spool', 'export', folder, '--remove', '--yes'])).out).toContain('"live"');
    expect(await folders()).toEqual([]);
  });

  it('export deletes nothing that it did not print: damaged records, and another layout', async () => {
    await aDeadProcess(['one', 'two']);
    const [name] = await folders();
    const segment = join(folder, name!, '000000000001.spool');
    const whole = await readFile(segment);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 1]! ^= 1;
    const other = framed({ jobs: 0, body: Buffer.from('{"format":2,"database":"a"}') });
    for (const bytes of [damaged, Buffer.concat([other, Buffer.from('what nobody knows')])]) {
      await writeFile(segment, bytes);
      await utimes(join(folder, name!), 0, 0);
      const argv = ['spool', 'export', folder, '--remove', '--yes'];
      const { code, err } = await cli(argv);
      expect([code, err.includes('It is kept')]).toEqual([1, true]);
      const [kept] = await folders();
      expect(await readFile(join(folder, kept!, '000000000001.spool'))).toEqual(bytes);
      await rename(join(folder, kept!), join(folder, name!));
    }
    await writeFile(segment, whole);
    await utimes(join(folder, name!), 0, 0);
    await cli(['spool', 'export', folder, '--remove', '--yes']);
    expect(await folders()).toEqual([]);
  });

  it('what was put aside is a trouble, and its command puts it right', async () => {
    await aDeadProcess(['bad']);
    const check = `check (payload::text <> '"bad"')`;
    await test.database.query(`alter table simple_queue.job add constraint no_bad ${check}`);
    const { code, json } = await spool(['replay', folder, '--yes', '--json']);
    expect({ code, json }).toMatchObject({ code: 1, json: { aside: 1 } });
    await test.database.query('alter table simple_queue.job drop constraint no_bad');
    const options = { spool: { folder } };
    const storage = await openStorage(test.dataSource, options, test.events);
    const { options: resolved } = resolveOptions(options);
    const [trouble] = (await new QueueAdmin(storage, resolved).troubles()).filter(
      ({ code: each }) => each === 'SPOOL',
    );
    expect(trouble).toMatchObject({ count: 1, level: 'warning' });
    const [finding] = await new QueueDoctor(storage, resolved).examine({ only: ['SPOOL'] });
    expect(finding).toMatchObject({ level: 'warning', found: trouble!.text });
    await storage.onApplicationShutdown();
    const argv = trouble!.fix.split(' ').slice(3);
    expect(argv.slice(0, 2)).toEqual(['spool', 'replay']);
    expect((await cli(argv, { env: { DATABASE_URL: test.database.url } })).code).toBe(0);
    expect((await stored()).map(({ payload }) => payload)).toContain('bad');
    expect((await spool(['status', folder])).code).toBe(0);

    // What no command can put right has none, and moving it away does.
    const damaged = join(folder, 'aside', `${Date.now()}-x.damaged`);
    await writeFile(damaged, 'bytes');
    const troubles = async () => {
      const looking = await openStorage(test.dataSource, options, test.events);
      const found = await new QueueAdmin(looking, resolved).troubles();
      await looking.onApplicationShutdown();
      return found.filter(({ code: each }) => each === 'SPOOL');
    };
    expect(await troubles()).toMatchObject([
      { fix: '', hint: expect.stringContaining('Move damaged files') },
    ]);
    await rm(damaged);
    expect(await troubles()).toEqual([]);
  });
});
