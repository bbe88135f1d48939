import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import type { EnqueueOptions, JobChanges } from '../../../lib/job/enqueue-options.js';
import { defineJob } from '../../../lib/enqueue/define-job.js';
import { Queue } from '../../../lib/queue.js';
import { QueueService } from '../../../lib/queue.service.js';
import { RecordingQueueService } from '../../../lib/testing/recording-queue.service.js';
import { endedJobs } from '../../support/ended-jobs.js';
import { checkPlaces } from '../../support/check-places.js';
import { cli } from '../../support/cli.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

let test: TestStorage;
let admin: QueueAdmin;
let queues: QueueService;

beforeAll(async () => {
  test = await aStorage({
    queues: { fair: { fair: true }, keyed: { perKey: { by: 't', concurrency: 1 } } },
  });
  admin = new QueueAdmin(test.storage, test.options);
  queues = new QueueService(test.storage, test.options, test.events);
});
beforeEach(() => test.rows.clear());
afterAll(() => test.close());

const LATER = new Date('2030-01-01T00:00:00Z');
const enqueue = async (options?: EnqueueOptions, queue = 'plain') =>
  (await queues.enqueue(queue, { n: 1 }, options)).id;
const factsOf = async (id: string) => {
  const { state, payload, priority, runAt, attempt } = (await queues.find(id))!;
  return { state, payload, priority, runAt, attempt };
};

describe('a change of a waiting job', () => {
  it.each<[string, EnqueueOptions, string, string]>([
    ['ready', {}, 'plain', 'scheduled'],
    ['delayed', { delayMs: 60_000 }, 'plain', 'scheduled'],
    ['fair', { group: 'a' }, 'fair', 'scheduled'],
    ['staged', { staged: true }, 'plain', 'staged'],
  ])(
    'gives one that is %s another time, priority and payload',
    async (_, options, queue, state) => {
      const id = await enqueue(options, queue);
      const changes = { runAt: LATER, priority: -5, payload: { n: 2 } };
      expect(await queues.change(id, changes)).toEqual({ id, changed: true, state });
      expect(await factsOf(id)).toMatchObject({ ...changes, state, attempt: 0 });
      expect(await checkPlaces(test.storage)).toEqual([]);
      expect(await admin.change(id, { delayMs: 0, payload: null })).toMatchObject({
        changed: true,
      });
      expect(await factsOf(id)).toMatchObject({ priority: -5, payload: null });
      expect(await checkPlaces(test.storage)).toEqual([]);
    },
  );

  it('leaves a suspect suspected, and what is not named as it is', async () => {
    const { id } = await test.rows.job({ state: 'suspect', priority: 3, attempt: 2 });
    const before = await factsOf(id);
    await queues.change(id, { payloadBytes: Buffer.from('raw') });
    expect(await factsOf(id)).toEqual(before);
    expect((await queues.find(id))!.payloadBytes).toEqual(Buffer.from('raw'));
    expect(await test.database.query('select suspicion from simple_queue.suspect')).toHaveLength(1);
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('keeps the turn of one of an ordered group, and refuses it a priority', async () => {
    const [head, next] = [
      await enqueue({ group: 'a', ordered: true }),
      await enqueue({ group: 'a', ordered: true }),
    ];
    expect(await queues.change(next, { payload: 'new', runAt: LATER })).toMatchObject({
      changed: true,
      state: 'blocked',
    });
    expect(await queues.change(head, { payload: 'new' })).toMatchObject({ state: 'ready' });
    for (const id of [head, next])
      await expect(queues.change(id, { priority: 1 })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('ordered group'),
      });
    expect(await factsOf(next)).toMatchObject({ payload: 'new', runAt: LATER });
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('leaves alone what runs, has ended, is lost or unknown, and says so', async () => {
    const running = await test.rows.job({ state: 'running' });
    const ended = await enqueue();
    await queues.cancel({ id: ended });
    const lost = await test.rows.job();
    await test.database.query('delete from simple_queue.ready where id = $1', [lost.id]);
    const unknown = randomUUID();
    const states = [];
    for (const id of [running.id, ended, lost.id, unknown]) {
      const { changed, state } = await queues.change(id, { priority: 1 });
      states.push([changed, state]);
    }
    expect(states).toEqual([
      [false, 'running'],
      [false, 'cancelled'],
      [false, 'lost'],
      [false, undefined],
    ]);
  });

  describe('of a dead letter', () => {
    const aDeadOne = async (queue = 'plain') => ({ id: (await endedJobs(test, 1, { queue }))[0]! });

    it('corrects its payload, for the retry that follows', async () => {
      const { id } = await aDeadOne();
      expect(await queues.change(id, { payload: { n: 2 } })).toEqual({
        id,
        changed: false,
        state: 'failed',
      });
      const changes = { payload: { n: 2 }, payloadBytes: Buffer.from('raw'), priority: -4 };
      expect(await admin.change(id, changes)).toEqual({ id, changed: true, state: 'failed' });
      await admin.retry(id);
      expect(await factsOf(id)).toMatchObject({ state: 'ready', payload: { n: 2 }, priority: -4 });
      expect((await queues.find(id))!.payloadBytes).toEqual(Buffer.from('raw'));
      expect(await checkPlaces(test.storage)).toEqual([]);
    });

    it('refuses a time, which is that of the retry, and of an ordered one a priority', async () => {
      const { id } = await aDeadOne();
      await expect(admin.change(id, { delayMs: 1, payload: 2 })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: `change: job ${id} is failed, and runs when it is retried. Leave runAt and delayMs out.`,
      });
      await test.database.query(
        `update simple_queue.dead_letter set options = '{"ordered": true, "group": "a"}' where id = $1`,
        [id],
      );
      await expect(admin.change(id, { priority: 1 })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
      expect(await admin.change(id, { payload: 2 })).toMatchObject({ changed: true });
    });

    it('takes the key that the command line gives it', async () => {
      const { id } = await aDeadOne('keyed');
      const keyIs = async (...flags: string[]) => {
        const argv = ['change', id, '--payload', '{}', ...flags];
        expect(await cli(argv, { env: { DATABASE_URL: test.database.url } })).toMatchObject({
          code: 0,
        });
        const [row] = await test.database.query(
          'select options from simple_queue.dead_letter where id = $1',
          [id],
        );
        return row;
      };
      expect(await keyIs('--key', 'b')).toMatchObject({ options: { limitKey: 'b' } });
      expect(await keyIs('--no-key')).not.toMatchObject({ options: { limitKey: 'b' } });
    });

    it('reads the key of its limit again, and leaves its other options', async () => {
      const { id } = await aDeadOne('keyed');
      const set = (options: object) =>
        test.database.query('update simple_queue.dead_letter set options = $2 where id = $1', [
          id,
          options,
        ]);
      await set({ limitKey: 'a', maxAttempts: 3 });
      expect(await admin.change(id, { payload: { t: 'b' } })).toMatchObject({ changed: true });
      const [row] = await test.database.query<{ options: unknown }>(
        'select options from simple_queue.dead_letter where id = $1',
        [id],
      );
      expect(row!.options).toEqual({ limitKey: 'b', maxAttempts: 3 });
      const stranger = new QueueAdmin(test.storage, { ...test.options, queues: new Map() });
      await expect(stranger.change(id, { payload: { t: 'c' } })).rejects.toMatchObject({
        code: 'LIMIT_KEY_INVALID',
      });
    });
  });

  it('is undone with the transaction of its caller', async () => {
    const id = await enqueue();
    const before = await factsOf(id);
    await test.dataSource
      .transaction(async (manager) => {
        expect(await queues.change(id, { priority: 9 }, { manager })).toMatchObject({
          changed: true,
        });
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(await factsOf(id)).toEqual(before);
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('wakes whom it concerns', async () => {
    const signals: unknown[] = [];
    const stop = test.storage.signals.receive((signal) => void signals.push(signal));
    const id = await enqueue({ delayMs: 60_000 });
    signals.length = 0;
    await queues.change(id, { delayMs: 0 });
    const { id: lane } = await test.rows.lane('plain');
    expect(signals).toMatchObject([{ lanes: [lane] }]);
    stop();
  });

  it.each<[string, JobChanges]>([
    ['nothing', {}],
    ['two times', { runAt: LATER, delayMs: 1 }],
    ['no time', { runAt: new Date(Number.NaN) }],
    ['a delay below 0', { delayMs: -1 }],
    ['half a priority', { priority: 0.5 }],
    ['what is not known', { priorty: 1 } as JobChanges],
    ['no object', null as unknown as JobChanges],
    ['text for bytes', { payloadBytes: 'text' as unknown as Buffer }],
  ])('refuses %s, before it asks the database', async (_, changes) => {
    const id = await enqueue();
    for (const change of [queues, admin, new RecordingQueueService()])
      await expect(change.change(id, changes)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(queues.change('7', { priority: 1 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('refuses a payload that does not fit: too large, no JSON, not what the template says', async () => {
    const id = await enqueue();
    await expect(queues.change(id, { payload: 'x'.repeat(2 ** 21) })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
    await expect(queues.change(id, { payload: () => 1 })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
    const letters = defineJob({ queue: 'plain', payload: aNumber });
    const queue = new Queue(queues, letters);
    await expect(queue.change(id, { payload: 'text' as never })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
    expect(await queue.change(id, { payload: 7 })).toMatchObject({ changed: true });
    expect(await factsOf(id)).toMatchObject({ payload: 7 });
  });

  it('has a command', async () => {
    const id = await enqueue();
    const change = (...argv: string[]) =>
      cli(['change', id, ...argv], { env: { DATABASE_URL: test.database.url }, input: '[1]' });
    expect(await change('--delay', '2h', '--priority', '-3', '--payload', '-')).toMatchObject({
      code: 0,
      out: `${id} is changed, and scheduled\n`,
    });
    expect(await factsOf(id)).toMatchObject({ state: 'scheduled', priority: -3, payload: [1] });
    expect((await change()).code).toBe(2);
    await queues.cancel({ id });
    expect(await change('--delay', '0s')).toMatchObject({
      code: 1,
      out: `${id} is cancelled: only what waits or has failed can be changed\n`,
    });
    const dead = { id: (await endedJobs(test, 1))[0]! };
    expect(
      await cli(['change', dead.id, '--payload', '{"n":2}'], {
        env: { DATABASE_URL: test.database.url },
      }),
    ).toMatchObject({ code: 0, out: `${dead.id} is changed, and failed: retry runs it again\n` });
  });

  it('is recorded by the test kit', async () => {
    const recording = new RecordingQueueService();
    const { id } = await recording.enqueue('plain', 1, { delayMs: 60_000, group: 'a' });
    expect(await recording.change(id, { delayMs: 0, payload: 2 })).toEqual({
      id,
      changed: true,
      state: 'ready',
    });
    expect(recording.enqueued).toMatchObject([{ payload: 2, options: { delayMs: 0, group: 'a' } }]);
    expect(await recording.change(randomUUID(), { priority: 1 })).toMatchObject({ changed: false });
  });
});

/** A schema that takes numbers. */
const aNumber = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
    types: undefined as unknown as { input: number; output: number },
  },
};

describe('a change of the payload, and with it of the key', () => {
  const keyed = async (t: unknown, options: EnqueueOptions = {}) =>
    (await queues.enqueue('keyed', { t }, options)).id;
  const query = (text: string, values?: unknown[]) => test.database.query(text, values);
  const permits = async () => {
    for (let more = true; more;) more = (await test.storage.keys.handPermits()).looked > 0;
    return query(
      'select id, limit_key as key from simple_queue.permit where slot >= 0 order by key',
    );
  };
  const keyOf = async (id: string) =>
    (await query(`select limit_key as key, options ->> 'limitKey' as kept from simple_queue.job where id = $1`, [id]))[0]; // prettier-ignore
  const stateOf = async (id: string) => (await queues.find(id))!.state;

  beforeEach(async () => {
    await query('delete from simple_queue.permit');
    await query('delete from simple_queue.key_change');
    await query(`insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'keyed/*', true, 1, '{}')`); // prettier-ignore
  });

  it.each([0, 60_000])(
    'waits for a permit of the new key, and gives that of the old one to the next',
    async (delayMs) => {
      const [a, b, next] = [await keyed('A'), await keyed('B'), await keyed('B')];
      expect(await permits()).toMatchObject([{ id: a }, { id: b }]);
      await queues.change(b, { payload: { t: 'A' }, delayMs });
      expect(await keyOf(b)).toEqual({ key: 'A', kept: 'A' });
      expect(await permits()).toEqual([
        { id: a, key: 'A' },
        { id: next, key: 'B' },
      ]);
      expect(await stateOf(b)).toBe(delayMs ? 'scheduled' : 'blocked');
      expect(await checkPlaces(test.storage)).toEqual([]);
    },
  );

  it('gets a key, loses it, and keeps it where another part is changed', async () => {
    const [a, none] = [await keyed('A'), await keyed(undefined)];
    expect(await admin.change(none, { payload: { t: 'A' } })).toMatchObject({ state: 'blocked' });
    expect(await permits()).toEqual([{ id: a, key: 'A' }]);
    expect(await admin.change(a, { payload: {} })).toMatchObject({ state: 'ready' });
    expect(await keyOf(a)).toEqual({ key: null, kept: null });
    expect(await permits()).toEqual([{ id: none, key: 'A' }]);
    await admin.change(none, { priority: 3 });
    expect(await keyOf(none)).toEqual({ key: 'A', kept: 'A' });
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it.each([{ staged: true }, { group: 'g', ordered: true }])(
    'is read for one that is held, too: %j',
    async (options) => {
      await keyed('B', options);
      const id = await keyed('B', options);
      await queues.change(id, { payload: { t: 'A' } });
      expect(await keyOf(id)).toEqual({ key: 'A', kept: 'A' });
      expect(await checkPlaces(test.storage)).toEqual([]);
    },
  );

  it('is refused where the key is none, and where nobody knows how to read it', async () => {
    const [id, without] = [await keyed('B'), await keyed(undefined)];
    const refused = expect.objectContaining({ code: 'LIMIT_KEY_INVALID' });
    await expect(queues.change(id, { payload: { t: {} } })).rejects.toEqual(refused);
    const stranger = new QueueAdmin(test.storage, { ...test.options, queues: new Map() });
    for (const each of [id, without])
      await expect(stranger.change(each, { payload: { t: 'A' } })).rejects.toEqual(refused);
    expect(await stranger.change(id, { priority: 1 })).toMatchObject({ changed: true });
    expect((await queues.find(id))!.payload).toEqual({ t: 'B' });
    expect(await keyOf(id)).toEqual({ key: 'B', kept: 'B' });
  });
});
