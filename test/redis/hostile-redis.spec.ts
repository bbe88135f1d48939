import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { constant, type QueueErrorCode } from 'nestjs-simple-queue';
import type { JobQueueEvent } from 'nestjs-simple-queue/pull';
import { RedisJobQueue, type RedisJobQueueOptions } from 'nestjs-simple-queue/redis';
import { BATCH } from '../../lib/redis/scripts.js';
import { checkServer } from '../../lib/redis/server-check.js';
import { eventually } from '../support/eventually.js';
import { scaled } from '../support/patience.mjs';
import { TestRedis, withRedis, type Redis } from '../support/redis.js';

const code = (wanted: QueueErrorCode) => expect.objectContaining({ code: wanted });
const WORKER = { workerId: 'w1', queues: ['*'] };

it.each([[undefined], [{ executeIsolated: () => undefined }]])(
  'RedisJobQueue refuses a client that is none, or of node-redis 4: %j',
  async (client) => {
    await expect(RedisJobQueue.start({ client: client as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: 'RedisJobQueue: client has to be of node-redis 5.6 or later.',
    });
  },
);

withRedis('RedisJobQueue, on servers that are', () => {
  let redis: TestRedis;
  let client: Redis;
  const open: RedisJobQueue[] = [];

  beforeAll(async () => {
    Logger.overrideLogger(false);
    redis = await TestRedis.start('--appendonly', 'yes', '--appendfsync', 'always');
    client = await redis.client();
  });
  afterEach(async () => {
    open.splice(0).forEach((queue) => queue.close());
    await client.flushAll();
  });
  afterAll(() => redis.stop());

  async function started(options: Partial<RedisJobQueueOptions> = {}): Promise<RedisJobQueue> {
    const queue = await RedisJobQueue.start({
      ...{ client, backoff: constant({ delayMs: 0 }), ...options },
    });
    open.push(queue);
    return queue;
  }

  it('killed and started again: what was acknowledged is there, done what was done, held what was held', async () => {
    const queue = await started();
    const impatient = await eventually(() => started({ queryTimeoutMs: 200 }));
    const done = await queue.enqueue('mail', 'done');
    const held = await queue.enqueue('mail', 'held', { uniqueKey: 'k' });
    const { leaseId } = await queue.claim({ ...WORKER, limit: 2, leaseMs: '1 day' });
    await queue.complete(leaseId, done.id, 'output');
    const acknowledged: string[] = [];
    const enqueues = Array.from({ length: 200 }, (_, n) =>
      queue.enqueue('pdf', n).then(
        ({ id }) => acknowledged.push(id),
        () => undefined,
      ),
    );
    await eventually(() => acknowledged.length > 20);
    await redis.kill();
    await expect(impatient.enqueue('pdf', 'nobody is there')).rejects.toEqual(
      code('DATABASE_UNAVAILABLE'),
    );
    await redis.up();
    await Promise.all(enqueues);

    await eventually(() => queue.find(done.id));
    expect(await queue.find(done.id)).toMatchObject({ state: 'succeeded', output: 'output' });
    for (const id of acknowledged) expect(await queue.find(id)).toMatchObject({ state: 'ready' });
    expect((await queue.enqueue('mail', 1, { uniqueKey: 'k' })).id).toBe(held.id);
    await queue.complete(leaseId, held.id);
    await expect(queue.complete(leaseId, held.id)).rejects.toEqual(code('LEASE_UNKNOWN'));
    const claimed = new Set<string>();
    for (let jobs = [{ id: '' }]; jobs.length > 0; jobs.forEach(({ id }) => claimed.add(id)))
      ({ jobs } = await queue.claim({ ...WORKER, limit: 100, leaseMs: '1 day' }));
    expect(acknowledged.filter((id) => !claimed.has(id))).toEqual([]);
  });

  it('away for longer than a call waits: it says so, and is not sent later', async () => {
    const queue = await eventually(() => started({ queryTimeoutMs: 200 }));
    await redis.kill();
    const id = randomUUID();
    await expect(queue.enqueue('mail', 'late', { id })).rejects.toEqual(
      code('DATABASE_UNAVAILABLE'),
    );
    await redis.up();
    await eventually(() => queue.enqueue('mail', 'next'));
    await eventually(async () => expect(await queue.find(id)).toBeUndefined());
  });

  it('without the scripts, which somebody flushed', async () => {
    const queue = await started();
    const { id } = await queue.enqueue('mail', 1);
    await client.scriptFlush();
    const { leaseId } = await queue.claim(WORKER);
    await client.scriptFlush();
    await Promise.all([queue.find(id), queue.find(id)]);
    await queue.complete(leaseId, id);
    expect(await queue.find(id)).toMatchObject({ state: 'succeeded' });
  });

  it('given another password: each call says so until the new one is used', async () => {
    let password = 'old';
    const guarded = await TestRedis.start();
    const admin = await guarded.client();
    await admin.configSet('requirepass', 'old');
    const credentialsProvider = {
      type: 'async-credentials-provider' as const,
      credentials: async () => ({ password }),
    };
    const own = await guarded.client({ credentialsProvider });
    const { id } = await (await started({ client: own })).enqueue('mail', 1);
    const queue = await eventually(() => started({ client: own, queryTimeoutMs: scaled(1_000) }));
    await admin.configSet('requirepass', 'new');
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal']);
    const errors: unknown[] = [];
    await eventually(async () => {
      const error = await queue.find(id).catch((thrown: unknown) => thrown);
      errors.push(error);
      expect(String(error)).toContain('WRONGPASS');
    });
    for (const error of errors) expect(error).toEqual(code('DATABASE_UNAVAILABLE'));
    password = 'new';
    await eventually(async () => expect((await queue.find(id))?.state).toBe('ready'));
    await guarded.stop();
  });

  it('strict about rights: the rights that the guide names are enough', async () => {
    const rights = '~{simple-queue}:* &{simple-queue}:wake +@all -@admin -@dangerous +info';
    await client.sendCommand(['ACL', 'SETUSER', 'edge', 'on', '>secret', ...rights.split(' ')]);
    const own = await redis.client({ username: 'edge', password: 'secret' });
    const queue = await started({ client: own, timeoutMs: 7 });
    const stop = queue.subscribe(() => undefined);
    const { id } = await queue.enqueue('mail', 1, { uniqueKey: 'k', workflowId: 'wf' });
    const { leaseId, jobs } = await queue.claim(WORKER);
    expect(jobs).toMatchObject([{ id, timeoutMs: 7 }]);
    expect(await queue.fail(leaseId, id, 'no')).toBe('retried');
    expect(await queue.cancelWorkflow('wf')).toEqual({ cancelled: 1, requested: 0 });
    expect(await queue.reapExpiredLeases()).toMatchObject({ leases: 0 });
    await expect(started({ client: own, prefix: 'other' })).rejects.toEqual(code('DATABASE_ERROR'));
    stop();
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('refused where they drop keys by %s', async (policy) => {
    await client.configSet('maxmemory-policy', policy);
    await expect(started()).rejects.toEqual(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(policy) }),
    );
    await client.configSet('maxmemory-policy', 'noeviction');
  });

  it.each([
    ['redis_version:6.2.14\r\nmaxmemory_policy:noeviction', 'needs Redis 7 or later'],
    ['maxmemory_policy:noeviction', 'needs Redis 7 or later'],
    ['redis_version:7.2.4\r\nvalkey_version:8.1.0', 'maxmemory-policy is undefined'],
  ])('refused where they say %j', (info, why) => {
    expect(() => checkServer(info, '')).toThrow(why);
  });

  it('refused where they cannot read the first line of a script, as Redis 6', async () => {
    const said =
      "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'";
    const runner = { eval: () => Promise.reject(new Error(said)), evalSha: () => Promise.reject(new Error('NOSCRIPT')) }; // prettier-ignore
    const old = { withCommandOptions: () => runner, on: () => undefined, off: () => undefined };
    await expect(started({ client: old as never })).rejects.toEqual(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('this server is Redis 6 or older') as unknown,
      }),
    );
  });

  it('known to forget: it warns of no append-only file, and of nothing else', async () => {
    const info = 'redis_version:7.2.4\r\nvalkey_version:8.1.0\r\nmaxmemory_policy:noeviction\r\n';
    expect(checkServer(`${info}aof_enabled:1`, '')).toEqual([]);
    expect(checkServer(`${info}aof_enabled:0`, '')).toEqual([
      expect.stringContaining('appendonly'),
    ]);
    const warn = jest.spyOn(Logger.prototype, 'warn');
    await started();
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('full: a new job is refused with the reason, and what is there can be worked and makes room', async () => {
    const queue = await started();
    const { id } = await queue.enqueue('mail', 1);
    await client.configSet('maxmemory', '1');
    await expect(queue.enqueue('mail', 2)).rejects.toEqual(
      expect.objectContaining({ code: 'DATABASE_ERROR', message: expect.stringContaining('OOM') }),
    );
    const { leaseId } = await queue.claim(WORKER);
    await queue.renewLease(leaseId, 60_000);
    await queue.complete(leaseId, id);
    expect(await queue.reapExpiredLeases()).toMatchObject({ leases: 0 });
    await client.configSet('maxmemory', '0');
    expect((await queue.claim(WORKER)).jobs).toEqual([]);
  });

  it('replicas now: the call says so', async () => {
    const queue = await started();
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
    await client.configSet('replica-serve-stale-data', 'yes');
    await expect(queue.enqueue('mail', 1)).rejects.toEqual(code('DATABASE_READ_ONLY'));
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE']);
  });

  it.each([
    ['lanes', 'no hash'],
    ['leases', 'no sorted set'],
    ['format', '2'],
  ])(
    'used by somebody else, whose key %s it finds: refused, and the key is left alone',
    async (name, value) => {
      await client.set(`{theirs}:${name}`, value);
      await expect(started({ prefix: 'theirs' })).rejects.toEqual(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
      );
      expect(await client.get(`{theirs}:${name}`)).toBe(value);
    },
  );

  it('used by somebody else, whose key is where a job would go: the call fails and stores nothing', async () => {
    const queue = await started();
    await client.set('{simple-queue}:ready:mail ', 'theirs');
    await client.set('{simple-queue}:workflow:wf', 'theirs');
    for (const [name, options] of [
      ['mail', {}],
      ['pdf', { workflowId: 'wf' }],
    ] as const) {
      const id = randomUUID();
      await expect(queue.enqueue(name, 1, { id, ...options })).rejects.toEqual(
        code('DATABASE_ERROR'),
      );
      expect(await queue.find(id)).toBeUndefined();
    }
    expect((await queue.claim({ ...WORKER, queues: ['pdf'] })).jobs).toEqual([]);
  });

  it('shared: keys of other prefixes are untouched, and no job of another prefix is seen', async () => {
    await client.mSet({
      'simple-queue': '1',
      '{simple-queue}': '2',
      '{simple-queue-2}:lanes': '3',
    });
    const [one, two] = [await started(), await started({ prefix: 'other' })];
    const { id } = await one.enqueue('mail', 1, { uniqueKey: 'k', workflowId: 'wf' });
    expect((await two.claim(WORKER)).jobs).toEqual([]);
    expect(await two.find(id)).toBeUndefined();
    expect(await two.cancelWorkflow('wf')).toEqual({ cancelled: 0, requested: 0 });
    const { leaseId } = await one.claim(WORKER);
    await one.complete(leaseId, id);
    expect(await client.mGet(['simple-queue', '{simple-queue}', '{simple-queue-2}:lanes'])).toEqual(
      ['1', '2', '3'],
    );
  });

  it('empty again when all that ended is forgotten: nothing grows', async () => {
    const queue = await started({ archive: false });
    const before = await client.keys('*');
    for (let n = 0; n < 20; n++)
      await queue.enqueue('mail', n, {
        uniqueKey: `k${n}`,
        workflowId: `wf${n % 3}`,
        delayMs: n % 2,
      });
    await queue.cancelWorkflow('wf0');
    await eventually(async () => {
      const { leaseId, jobs } = await queue.claim({ ...WORKER, limit: 3 });
      for (const { id } of jobs) await queue.complete(leaseId, id);
      expect((await client.keys('*')).toSorted()).toEqual(
        [...before, '{simple-queue}:seq'].toSorted(),
      );
    });
  });

  it('large: a claim and a cancel do no more commands for it, and no script does much', async () => {
    const queue = await started();
    const commands = async (call: () => Promise<unknown>) => {
      await client.configResetStat();
      await call();
      const stats = await client.info('commandstats');
      const calls = [...stats.matchAll(/cmdstat_([^:|]+)[^:]*:calls=(\d+)/g)];
      const of = (name: RegExp) =>
        calls.reduce((sum, call) => sum + (name.test(call[1]!) ? Number(call[2]) : 0), 0);
      return { all: of(/./), scripts: of(/^evalsha$/) };
    };
    const claim = () => queue.claim({ ...WORKER, limit: 10 });
    const fill = (jobs: number) =>
      Promise.all(
        Array.from({ length: jobs }, (_, n) => queue.enqueue('mail', n, { workflowId: 'wf' })),
      );
    await fill(20);
    const few = await commands(claim);
    await fill(1_190);
    expect((await commands(claim)).all).toBeLessThanOrEqual(few.all);
    expect(few.scripts).toBe(1);
    const cancelled = await commands(() => queue.cancelWorkflow('wf'));
    expect(cancelled.scripts).toBe(Math.ceil(1_210 / BATCH));
    expect(cancelled.all).toBeLessThan(1_210 * 12);
  });

  it('given names with any signs', async () => {
    const queue = await started();
    const odd = `a b:{c}*?[d]\\ "e" 'f' %00 \r\n ü 🦊 $(x)`;
    const options = { uniqueKey: odd, workflowId: odd, fingerprint: odd, headers: { [odd]: odd } };
    const { id } = await queue.enqueue(
      'a.b:c/d-e_f',
      { [odd]: odd },
      { ...options, name: 'x:y/z', labels: ['l=1:/.'] },
    );
    expect(await queue.enqueue('a.b:c/d-e_f', 1, options)).toMatchObject({ id, created: false });
    expect((await queue.enqueue('a.b:c/d-e', 1, options)).created).toBe(true);
    const { leaseId, jobs } = await queue.claim({
      workerId: odd,
      queues: ['a.b:c/d-e_*'],
      labels: ['l=1:/.'],
    });
    expect(jobs).toMatchObject([{ id, payload: { [odd]: odd }, ...options }]);
    expect(await queue.cancelWorkflow(odd)).toEqual({ cancelled: 1, requested: 1 });
    await queue.complete(leaseId, id, { [odd]: odd });
    expect(await queue.find(id)).toMatchObject({ output: { [odd]: odd }, worker: odd });
  });

  it.each([
    { prefix: '' },
    { prefix: 'a}b' },
    { prefix: '{a' },
    { queues: { mail: { fair: true } } },
    { limits: { api: { concurrency: 1 } } },
  ])('refused with %j', async (options) => {
    await expect(started(options)).rejects.toEqual(code('INVALID_OPTION'));
  });

  it.each([
    { onConflict: 'replace', uniqueKey: 'k' },
    { staged: true },
    { maxPending: 5 },
  ] as const)('unable to keep %j: refused, by its name', async (options) => {
    const queue = await started();
    await expect(queue.enqueue('mail', 1, options)).rejects.toThrow(/^RedisJobQueue knows no /);
  });

  it('heard from every process, also after the connection was lost, until nobody listens', async () => {
    const [here, there] = [await started(), await started({ client: await redis.client() })];
    const heard: JobQueueEvent['type'][] = [];
    const stop = there.subscribe(({ type }) => heard.push(type));
    const listeners = () =>
      client.pubSubNumSub('{simple-queue}:wake').then((all) => Object.values(all).map(Number));
    await eventually(async () => expect(await listeners()).toEqual([1]));
    heard.length = 0;
    const { id } = await here.enqueue('mail', 1);
    await eventually(() => expect(heard).toContain('wakeUp'));
    await here.claim(WORKER);
    await here.cancel(id);
    await eventually(() => expect(heard).toContain('cancelRequested'));
    heard.length = 0;
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await eventually(() =>
      expect(heard).toEqual(expect.arrayContaining(['wakeUp', 'cancelRequested'])),
    );
    stop();
    await eventually(async () => expect(await listeners()).toEqual([0]));
  });

  it('left to their claims: a claim takes back what a silent worker held, without anybody who reaps', async () => {
    const queue = await started();
    const { id } = await queue.enqueue('mail', 1);
    await queue.claim({ ...WORKER, leaseMs: 100 });
    await eventually(async () =>
      expect((await queue.claim({ ...WORKER, workerId: 'w2' })).jobs).toMatchObject([
        { id, attempt: 1 },
      ]),
    );
  });
});
