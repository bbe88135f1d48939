import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { cli, type CliSurroundings } from '../support/cli.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aStorage, type TestStorage } from '../support/storage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('commands that act', () => {
  let test: TestStorage;
  let admin: QueueAdmin;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.rows.lane('mail');
  });
  afterAll(() => test.close());

  const act = (argv: string[], given: CliSurroundings = {}) =>
    cli(argv, { env: { DATABASE_URL: test.database.url }, ...given });
  const stateOf = async (id: string) => (await admin.job(id))?.state;
  const inState = async (state: 'ready' | 'failed') =>
    (await admin.jobs({ state }, { limit: 500 })).jobs.length;

  it('retry runs jobs again, each told for itself', async () => {
    const [dead] = await endedJobs(test, 1);
    const scheduled = await test.rows.job({ state: 'scheduled' });
    const running = await test.rows.job({ state: 'running' });
    const unknown = randomUUID();
    const { code, json } = await act(['retry', dead!, scheduled.id, running.id, unknown, '--json']);
    expect({ code, json }).toMatchObject({
      code: 1,
      json: {
        jobs: [
          { id: dead, outcome: 'revived' },
          { id: scheduled.id, outcome: 'promoted' },
          { id: running.id, error: { code: 'JOB_RUNNING' } },
          { id: unknown, error: { code: 'JOB_UNKNOWN' } },
        ],
      },
    });
    expect(await act(['retry', dead!])).toMatchObject({
      code: 0,
      out: `${dead} is ready already: nothing was done\n`,
      err: '',
    });
  });

  it('retry does all ids, whatever becomes of those between them, and says how many it did', async () => {
    const [first, last] = await endedJobs(test, 2);
    const unknown = randomUUID();
    const { code, out, err } = await act(['retry', first!, unknown, last!, first!]);
    expect({ code, err }).toEqual({ code: 1, err: '2 done, 1 could not be.\n' });
    expect(out.split('\n').map((line) => line.slice(0, 36))).toEqual([
      first,
      expect.stringMatching(/^There is no job/),
      last,
      '',
    ]);
    expect([await stateOf(first!), await stateOf(last!)]).toEqual(['ready', 'ready']);
  });

  it('retry tells what was done before the database went, and how many were not tried', async () => {
    const [first, ...others] = await endedJobs(test, 3);
    const proxy = await TcpProxy.start(test.database.url);
    proxy.failAt("'outcome', 'revived'", 2);
    const argv = ['retry', first!, ...others, '--json'];
    const { code, json, err } = await act(argv, { env: { DATABASE_URL: proxy.url } });
    expect({ code, json }).toEqual({
      code: 1,
      json: { jobs: [{ id: first, outcome: 'revived' }], done: 1, failed: 0, left: 2 },
    });
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'DATABASE_UNAVAILABLE' } });
    proxy.stop();
  });

  it('does nothing at all where one of several ids is none', async () => {
    const [dead] = await endedJobs(test, 1);
    expect(await act(['retry', dead!, 'nonsense', '7'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('"nonsense", "7" are no UUIDs. Nothing was done.'),
    });
    const job = await test.rows.job();
    expect((await act(['cancel', job.id, 'nonsense'])).code).toBe(2);
    expect([await stateOf(dead!), await stateOf(job.id)]).toEqual(['failed', 'ready']);
  });

  it('redrive counts first, and acts with --yes', async () => {
    await endedJobs(test, 3);
    const counted = await act(['redrive', '--queue', 'mail', '--json']);
    expect(counted.json).toEqual({
      dryRun: true,
      complete: true,
      revived: 3,
      keyTaken: 0,
      gone: 0,
    });
    expect((await act(['redrive'])).out).toBe('3 jobs would run again.\n');
    expect(await inState('failed')).toBe(3);
    expect(await act(['redrive', '--limit', '2', '--yes'])).toMatchObject({
      code: 0,
      out: '2 jobs run again.\n',
    });
    expect(await inState('ready')).toBe(2);
    expect(await act(['redrive', '--queue', 'mial', '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Did you mean "mail"?'),
    });
  });

  it('purge counts first, and acts with --yes; it wants a filter', async () => {
    await endedJobs(test, 2);
    const job = await test.rows.job();
    expect(await act(['purge', '--yes'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('the filter is empty'),
    });
    expect(await act(['purge', '--queue', 'mail'])).toMatchObject({
      code: 0,
      out: '3 jobs would be deleted.\n',
      err: expect.stringContaining('--yes'),
    });
    expect((await act(['purge', '--state', 'dead', '--yes', '--json'])).json).toEqual({
      dryRun: false,
      complete: true,
      purged: 2,
      left: 0,
    });
    expect([await inState('failed'), await stateOf(job.id)]).toEqual([0, 'ready']);
  });

  it('Ctrl-C ends long work between two batches, and it says how far it came', async () => {
    await endedJobs(test, 600);
    /** As if the keys were pressed in the middle of the first batch. */
    const interrupted = (): AbortSignal => {
      let looks = 0;
      return Object.defineProperty(AbortSignal.abort(130), 'aborted', { get: () => looks++ > 0 });
    };
    const { code, out, err } = await act(['redrive', '--yes'], { interruption: interrupted() });
    expect({ code, out, err }).toEqual({
      code: 130,
      out: '200 jobs run again.\n',
      err: 'Interrupted: that is how far it came.\n',
    });
    expect([await inState('ready'), await inState('failed')]).toEqual([200, 400]);
    await endedJobs(test, 200);
    const purge = await act(['purge', '--state', 'dead', '--yes', '--json'], {
      interruption: interrupted(),
    });
    expect(purge).toMatchObject({ code: 130, json: { complete: false, purged: 500 } });
    expect(await inState('failed')).toBe(100);
  });

  it('a server that goes away in the middle leaves whole batches, and it says how far it came', async () => {
    await endedJobs(test, 600);
    const proxy = await TcpProxy.start(test.database.url);
    proxy.failAt("'outcome', 'revived'", 2);
    const answer = await act(['redrive', '--yes'], {
      env: { DATABASE_URL: proxy.url },
    });
    expect(answer).toMatchObject({
      code: 1,
      out: '200 jobs run again.\n',
      err: expect.stringContaining('An error ended it'),
    });
    expect([await inState('ready'), await inState('failed')]).toEqual([200, 400]);
    proxy.stop();
  });

  it('a server that accepts and says nothing is given up after --timeout', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const url = `postgres://postgres@127.0.0.1:${(silent.address() as AddressInfo).port}/x`;
    const { code, err } = await act(['status', '--url', url, '--timeout', '0.2']);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining(`Cannot connect to 127.0.0.1:`),
    });
    silent.close();
  });

  it('shows progress on a terminal, and none in a pipe or beside JSON', async () => {
    await endedJobs(test, 3);
    expect((await act(['redrive'], { columns: 80 })).err).toContain('Counting  3');
    expect((await act(['redrive'])).err).not.toContain('Counting');
    expect((await act(['redrive', '--json'], { columns: 80 })).err).toBe('');
  });

  it('cancel ends what waits, asks what runs, and says what it found of each id', async () => {
    const ready = await test.rows.job();
    const running = await test.rows.job({ state: 'running' });
    const [dead] = await endedJobs(test, 1);
    const unknown = randomUUID();
    const { code, json } = await act(['cancel', ready.id, running.id, dead!, unknown, '--json']);
    expect({ code, json }).toMatchObject({
      code: 1,
      json: {
        jobs: [
          { id: ready.id, outcome: 'cancelled' },
          { id: running.id, outcome: 'requested' },
          { id: dead, outcome: 'ended', state: 'failed' },
          { id: unknown, outcome: 'unknown' },
        ],
      },
    });
  });

  it('cancel takes what jobs share, and exactly one of that', async () => {
    await test.rows.job({ fingerprint: 'customer:42' });
    await test.rows.job({ fingerprint: 'customer:42', state: 'running' });
    await test.rows.job({ uniqueKey: 'order:7' });
    expect(await act(['cancel', '--fingerprint', 'customer:42'])).toMatchObject({
      code: 0,
      out: '1 waiting job cancelled, 1 running job was asked to stop.\n',
    });
    expect(
      (await act(['cancel', '--queue', 'mail', '--unique-key', 'order:7', '--json'])).json,
    ).toEqual({
      cancelled: 1,
      requested: 0,
    });
    const wrong = [
      ['cancel'],
      ['cancel', '--unique-key', 'order:7'],
      ['cancel', '--fingerprint', 'a', '--workflow', 'b'],
      ['cancel', randomUUID(), '--fingerprint', 'a'],
    ];
    for (const argv of wrong) expect(await act(argv)).toMatchObject({ code: 2, out: '' });
  });

  it('pause and resume', async () => {
    expect(await act(['pause', 'mail', '--json'])).toMatchObject({
      code: 0,
      json: { queue: 'mail', paused: true },
    });
    expect((await admin.stats('mail')).paused).toBe(true);
    expect((await act(['status'])).out).toContain('paused: mail');
    expect(await act(['resume', 'mail'])).toMatchObject({
      code: 0,
      out: 'Queue "mail" is worked again.\n',
    });
    expect((await admin.stats('mail')).paused).toBe(false);
  });

  it('enqueue stores a job with what is given', async () => {
    const flags = [
      '--name',
      'welcome',
      '--delay',
      '10min',
      '--priority',
      '-5',
      '--header',
      'tenant=a=b',
      '--label',
      'gpu',
      '--max-attempts',
      '2',
      '--unique-key',
      'k',
    ];
    const { code, json } = await act(['enqueue', 'mail', '{"to":"x"}', ...flags, '--json']);
    const { id } = json as { id: string };
    expect({ code, json }).toEqual({ code: 0, json: { id, created: true, outcome: 'created' } });
    expect(await admin.job(id)).toMatchObject({
      name: 'welcome',
      state: 'scheduled',
      payload: { to: 'x' },
      priority: -5,
      headers: { tenant: 'a=b' },
      labels: ['gpu'],
      maxAttempts: 2,
    });
    expect(
      (await act(['enqueue', 'mail', '1', '--name', 'welcome', '--unique-key', 'k'])).out,
    ).toBe(`${id} is known already: nothing was stored\n`);
  });

  it('enqueue reads standard input, and respects queues that are ordered as a whole', async () => {
    const first = (
      await act(['enqueue', 'mail', '-', '--ordered-queue', '--json'], { input: '{"n": 1}\n' })
    ).json as {
      id: string;
    };
    const second = (await act(['enqueue', 'mail', '--ordered-queue', '--json'])).json as {
      id: string;
    };
    expect(await admin.job(first.id)).toMatchObject({ state: 'ready', payload: { n: 1 } });
    expect(await admin.job(second.id)).toMatchObject({ state: 'blocked', payload: null });
  });

  it('enqueue makes no new queue of a mistyped name', async () => {
    expect(await act(['enqueue', 'mial', '1'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Did you mean "mail"?'),
    });
    expect((await act(['enqueue', 'fresh', '1', '--new-queue'])).code).toBe(0);
  });

  it.each<[string[], string]>([
    [['enqueue', 'mail', '{secret'], 'The payload is not JSON'],
    [['enqueue', 'mail', '"\\u0000 secret"'], 'payload'],
    [['enqueue', 'mail', JSON.stringify('secret'.repeat(200_000))], '1048576'],
    [['enqueue', 'mail', '1', '--delay', '5'], 'It takes a number with a unit'],
    [['enqueue', 'mail', '1', '--run-at', '2h'], 'It takes a time'],
    [['enqueue', 'mail', '1', '--header', 'x'], 'name=value'],
    [['enqueue', 'mail', '1', '--id', 'x'], 'UUID'],
    [['enqueue', 'mail', '1', '--priority', '99999999'], 'priority'],
    [['enqueue', 'a b', '1'], 'is not a queue name'],
  ])('refuses %j without a word of the payload', async (argv, message) => {
    const { code, out, err } = await act(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).not.toContain('secret');
  });
});
