import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { anApplication, QUICK, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { aDatabase } from '../support/template.js';

interface JobRow {
  id: string;
  payload: unknown;
  state: string;
  run_at: Date;
  unique_key: string | null;
}

const AWAY = { code: 'DATABASE_UNAVAILABLE' };

/** Enqueues while the database is away, by each way in. */
describe('the spool', () => {
  let database: TestDatabase;
  let folder: string;
  let proxy: TcpProxy;
  let test: TestApplication;
  let heard: number;

  const anApp = (options: SimpleQueueOptions = {}) =>
    anApplication(database, {
      options: {
        worker: false,
        wakeUp: 'off',
        spool: { folder },
        queues: { kept: {}, brief: { archive: false }, line: { ordered: true } },
        ...options,
      },
      typeorm: { url: proxy.url, extra: { connectionTimeoutMillis: 2_000 } } as never,
    });
  beforeAll(async () => {
    database = await aDatabase();
    folder = await mkdtemp(join(tmpdir(), 'spool-'));
    proxy = await TcpProxy.start(database.url);
    test = await anApp();
  });
  beforeEach(async () => {
    // Known lanes, warm pools.
    for (const queue of ['kept', 'brief', 'line']) await test.queues.enqueue(queue, 'warm');
    for (const table of ['job', 'ready', 'scheduled', 'blocked', 'head', 'given_id', 'throttle'])
      await database.query(`delete from simple_queue.${table} where true`);
    heard = test.seen('warning').length;
  });
  afterEach(async () => {
    await back();
    await rm(join(folder, 'aside'), { recursive: true, force: true });
  });
  afterAll(async () => {
    await test.close();
    proxy.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const jobs = (queue = 'kept') =>
    database.query<JobRow>(
      `select id, payload, state, run_at, unique_key from simple_queue.jobs where queue = $1 order by run_at, id`,
      [queue],
    );
  const payloads = async (queue = 'kept') => (await jobs(queue)).map(({ payload }) => payload);
  const enqueue = (payload: unknown, options: EnqueueOptions = {}, queue = 'kept') =>
    test.queues.enqueue(queue, payload, options);
  const isOver = () => eventually(() => test.storage.spool!.isEmpty, { timeoutMs: 20_000 });
  const back = async () => {
    await proxy.pass();
    await isOver();
  };
  const codes = (of = test) =>
    of
      .seen('warning')
      .slice(of === test ? heard : 0)
      .map(({ code }) => code);

  it('keeps what cannot be stored, and stores it in order under the same ids', async () => {
    proxy.stop();
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) {
      const { id, outcome, created } = await enqueue(n);
      expect([outcome, created]).toEqual(['spooled', false]);
      ids.push(id);
    }
    expect(test.storage.spool!.state.jobs).toBe(20);
    await back();
    const rows = await jobs();
    expect(rows.map(({ id }) => id)).toEqual(ids);
    expect(rows.map(({ payload }) => payload)).toEqual(ids.map((_, n) => n));
    expect(await enqueue('next')).toMatchObject({ outcome: 'created' });
    await eventually(async () => expect((await readdir(folder)).filter((name) => name !== 'aside')).toEqual([])); // prettier-ignore
  });

  it('takes lanes that nobody knows yet, batches, groups, templates, labels, bytes and dates', async () => {
    const template = defineJob({ queue: 'templated', name: 'welcome' });
    const id = randomUUID();
    const runAt = new Date(Date.now() + 3_600_000);
    proxy.stop();
    const calls = [
      enqueue('a', { id, name: 'named', labels: ['eu'], priority: 5, headers: { h: '1' } }),
      enqueue('b', { runAt, group: 'g', payloadBytes: Buffer.from([0, 255]), fingerprint: 'f' }),
      test.queues.enqueue(template, { to: 'x' }),
    ];
    const answers = await Promise.all(calls);
    const many = await test.queues.enqueueMany('batch', [{ payload: 1 }, { payload: 2 }]);
    const large = await test.queues.enqueueMany(
      'batch',
      Array.from({ length: 5_001 }, (_, n) => ({ payload: n })),
    );
    expect([...answers, ...many, ...large].every(({ outcome }) => outcome === 'spooled')).toBe(
      true,
    );
    await back();
    const found = await test.queues.find(id);
    expect(found).toMatchObject({
      name: 'named',
      labels: ['eu'],
      priority: 5,
      headers: { h: '1' },
    });
    const other = await test.queues.find(answers[1]!.id);
    expect(other).toMatchObject({ runAt, fingerprint: 'f', group: 'g' });
    expect(Buffer.from(other!.payloadBytes!)).toEqual(Buffer.from([0, 255]));
    expect(await payloads('templated')).toEqual([{ to: 'x' }]);
    expect((await jobs('batch')).length).toBe(5_003);
  });

  it('keeps the instant of a delay, by the clock of the database', async () => {
    proxy.stop();
    const before = Date.now();
    const [{ id }, { id: soon }] = [
      await enqueue('later', { delayMs: 60_000 }),
      await enqueue('soon', { delayMs: 1 }),
    ];
    await back();
    const rows = await jobs();
    const runAt = rows.find((row) => row.id === id)!.run_at.getTime();
    expect(runAt - before).toBeGreaterThanOrEqual(59_000);
    expect(runAt).toBeLessThanOrEqual(Date.now() + 60_000);
    expect((await test.queues.find(soon))!.state).toBe('ready');
  });

  it('decides about unique keys when it stores', async () => {
    await enqueue('first', { uniqueKey: 'taken' });
    proxy.stop();
    await enqueue('second', { uniqueKey: 'taken' });
    await enqueue('old', { uniqueKey: 'new', onConflict: 'replace' });
    await enqueue('new', { uniqueKey: 'new', onConflict: 'replace' });
    await enqueue('early', { uniqueKey: 'bounced', onConflict: 'debounce', periodMs: 60_000 });
    await enqueue('late', { uniqueKey: 'bounced', onConflict: 'debounce', periodMs: 60_000 });
    await enqueue('one', { uniqueKey: 'rare', onConflict: 'throttle', periodMs: 60_000 });
    await enqueue('two', { uniqueKey: 'rare', onConflict: 'throttle', periodMs: 60_000 });
    await back();
    expect((await payloads()).sort()).toEqual(['first', 'late', 'new', 'one']);
  });

  it('keeps the order of a queue that is one group', async () => {
    proxy.stop();
    for (let n = 0; n < 5; n++) await enqueue(n, {}, 'line');
    await back();
    const rows = await database.query<{ payload: number }>(
      `select payload from simple_queue.job order by seq`,
    );
    expect(rows.map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4]);
  });

  it('spools nothing that the database refuses', async () => {
    await database.query(
      `alter table simple_queue.job add constraint no_x check (payload::text <> '"x"')`,
    );
    try {
      await expect(enqueue('x')).rejects.toMatchObject({ code: 'DATABASE_ERROR' });
      expect(test.storage.spool!.isEmpty).toBe(true);
    } finally {
      await database.query('alter table simple_queue.job drop constraint no_x');
    }
  });

  /** On a connection that is open, the server gets a call and stores it; what it says comes too late. */
  const tooLate = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    proxy.delay(0.7 * Number(QUICK.queryTimeoutMs));
    return call().finally(() => proxy.pass());
  };

  it('stores a call once whose answer was lost behind the commit', async () => {
    await enqueue('opens a connection');
    const answer = await tooLate(() => enqueue('once'));
    expect(answer.outcome).toBe('spooled');
    await back();
    expect((await payloads()).sort()).toEqual(['once', 'opens a connection']);
    expect((await jobs()).map(({ id }) => id)).toContain(answer.id);
  });

  it('knows what the workers of a queue forget, whatever its own process says', async () => {
    await database.query(
      `insert into simple_queue.queue (name, policy) values ('told', '{"kept": {"0": 0}}')`,
    );
    await enqueue('opens a connection', {}, 'told');
    await expect(tooLate(() => enqueue('x', {}, 'told'))).rejects.toMatchObject(AWAY);
    expect(test.storage.spool!.isEmpty).toBe(true);
  });

  it('says that it does not know where nothing would remember the job', async () => {
    const replacing = { uniqueKey: 'k', onConflict: 'replace' } as const;
    await enqueue('opens a connection', {}, 'brief');
    const lost = tooLate(() => enqueue('x', {}, 'brief'));
    await expect(lost).rejects.toMatchObject(AWAY);
    // That of calls which may wait for others.
    await enqueue('opens a connection again', { id: randomUUID() }, 'brief');
    const withId = tooLate(() => enqueue('y', { id: randomUUID() }, 'brief'));
    await expect(withId).rejects.toMatchObject(AWAY);
    // The message itself: settings and statements have the word in them.
    proxy.failAt('\u000bcommit\0', 1);
    await expect(enqueue('x', replacing)).rejects.toMatchObject(AWAY);
    expect(test.storage.spool!.isEmpty).toBe(true);
  });

  it('knows that nothing was stored where the connection breaks before the commit', async () => {
    const replacing = { uniqueKey: 'k', onConflict: 'replace' } as const;
    for (const text of ['begin', 'insert']) {
      await enqueue('opens a connection', replacing);
      proxy.failAt(text, 1);
      expect(await enqueue(text, replacing)).toMatchObject({ outcome: 'spooled' });
      await back();
      expect(await payloads()).toEqual([text]);
    }
  });

  it('takes nothing any more when its application has ended, whatever waits in it', async () => {
    const spool = { folder: join(folder, 'ended') };
    const ended = await anApp({ spool });
    await ended.queues.enqueue('kept', 'known');
    proxy.stop();
    expect(await ended.queues.enqueue('kept', 'left')).toMatchObject({ outcome: 'spooled' });
    await ended.close();
    await expect(ended.queues.enqueue('kept', 'late')).rejects.toMatchObject({ code: 'CLOSED' });
    await rm(spool.folder, { recursive: true });
  });

  it('puts aside what is refused, goes on, and takes it again', async () => {
    proxy.stop();
    for (const payload of ['a', 'x', 'b']) await enqueue(payload);
    for (const payload of ['c', 'd']) await enqueue(payload, { maxPending: 3 });
    await database.query(
      `alter table simple_queue.job add constraint no_x check (payload::text <> '"x"')`,
    );
    await back();
    await database.query('alter table simple_queue.job drop constraint no_x');
    expect(await payloads()).toEqual(['a', 'b', 'c']);
    await eventually(() => expect(test.storage.spool!.state.aside.jobs).toBe(2));
    // Once a minute, which may be now, one of them is tried again.
    expect(codes().length).toBeGreaterThanOrEqual(2);
    expect(new Set(codes())).toEqual(new Set(['SPOOL_ASIDE']));
    await database.query(`delete from simple_queue.job where payload::text in ('"a"', '"b"')`);
    await database.query(
      `delete from simple_queue.ready where id not in (select id from simple_queue.job)`,
    );
    expect([1, 2]).toContain(await test.storage.spool!.retry(true));
    await isOver();
    expect((await payloads()).sort()).toEqual(['c', 'd', 'x']);
  });

  it('is bounded: what does not fit fails as without it', async () => {
    const small = await anApp({ spool: { folder, maxBytes: 65_536 } });
    const put = (payload: string) => small.queues.enqueue('kept', payload);
    await put('known');
    proxy.stop();
    await put('a');
    await expect(put('x'.repeat(70_000))).rejects.toMatchObject({
      ...AWAY,
      message: expect.stringContaining('spool.maxBytes') as unknown,
    });
    await expect(put('x'.repeat(70_000))).rejects.toMatchObject(AWAY);
    await put('b');
    await proxy.pass();
    await eventually(async () => expect(await payloads()).toEqual(['known', 'a', 'b']));
    expect(codes(small)).toEqual(['SPOOL_FULL']);
    await small.close();
  });

  it('is replayed by another process where its own has ended, and into no other tables', async () => {
    const spool = { folder: join(folder, 'shared') };
    const first = await anApp({ spool });
    const stranger = await anApp({ spool, schema: 'elsewhere' });
    await first.queues.enqueue('kept', 'known');
    proxy.stop();
    const { id, outcome } = await first.queues.enqueue('kept', 'left');
    expect(outcome).toBe('spooled');
    await first.close();
    await eventually(() => expect(codes(stranger)).toEqual(['SPOOL_REFUSED']));
    expect(stranger.storage.spool!.state.refused).toBe(1);
    await proxy.pass();
    const second = await anApp({ spool });
    await eventually(async () => expect((await jobs()).map((job) => job.id)).toContain(id));
    await stranger.close();
    await second.close();
  });

  it('fails the start where its folder cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(anApp({ spool: { folder: join(folder, 'file', 'x') } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('ENOTDIR') as unknown,
    });
  });

  it('touches no file where the database is there', async () => {
    const { mtimeMs } = await stat(folder);
    for (let n = 0; n < 20; n++) expect(await enqueue(n)).toMatchObject({ outcome: 'created' });
    expect((await stat(folder)).mtimeMs).toBe(mtimeMs);
  });
});
