import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import type { EnqueueOptions } from '../../../lib/job/enqueue-options.js';
import { QueueDoctor } from '../../../lib/doctor/queue-doctor.js';
import { QueueService } from '../../../lib/queue.service.js';
import { checkPlaces } from '../../support/check-places.js';
import { cli } from '../../support/cli.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

let test: TestStorage;
let admin: QueueAdmin;
let queues: QueueService;

beforeAll(async () => {
  test = await aStorage({ queues: { mail: { fair: true } } });
  admin = new QueueAdmin(test.storage, test.options);
  queues = new QueueService(test.storage, test.options, test.events);
});
beforeEach(() => test.rows.clear());
afterAll(() => test.close());

const query = (text: string, values?: unknown[]) => test.database.query(text, values);
const simpleQueue = (...argv: string[]) => cli(argv, { env: { DATABASE_URL: test.database.url } });
const stateOf = async (id: string) => (await queues.find(id))?.state;
const lists = async (id: string) =>
  (await admin.jobs({ state: 'lost' })).jobs.map((job) => [job.id === id, job.state]);

interface Case {
  queue?: string;
  options?: EnqueueOptions;
  place: string;
  /** The state before and after. */
  state: string;
}

const CASES: Record<string, Case> = {
  plain: { place: 'ready', state: 'ready' },
  'with a priority': { options: { priority: -7 }, place: 'ready', state: 'ready' },
  delayed: { options: { delayMs: 3_600_000 }, place: 'scheduled', state: 'scheduled' },
  staged: { options: { staged: true }, place: 'staged', state: 'staged' },
  fair: { queue: 'mail', options: { group: 'a' }, place: 'fair_ready', state: 'ready' },
  'at the head of its group': {
    options: { group: 'a', ordered: true },
    place: 'ready',
    state: 'blocked',
  },
  'at the head of its group, and delayed': {
    options: { group: 'a', ordered: true, delayMs: 3_600_000 },
    place: 'scheduled',
    state: 'blocked',
  },
  'at the head of its group, and staged': {
    options: { group: 'a', ordered: true, staged: true },
    place: 'staged',
    state: 'staged',
  },
};

let groups = 0;

async function lose({ queue = 'plain', options, place }: Case): Promise<string> {
  const group = options?.group && `${options.group}-${++groups}`;
  const { id } = await queues.enqueue(queue, { n: 1 }, { ...options, ...(group && { group }) });
  const gone = await query(`delete from simple_queue.${place} where id = $1 returning id`, [id]);
  expect(gone).toHaveLength(1);
  return id;
}

describe.each(Object.entries(CASES))('a job that is lost, %s', (_name, given) => {
  it('is lost for all who look, and stands where it belongs after a retry', async () => {
    const id = await lose(given);
    expect(await stateOf(id)).toBe('lost');
    expect(await query('select state from simple_queue.jobs where id = $1', [id])).toEqual([
      { state: 'lost' },
    ]);
    expect(await lists(id)).toEqual([[true, 'lost']]);
    const explanation = await admin.explain(id);
    expect(explanation.reasons[0]!.code).toBe('NO_PLACE');
    expect(explanation.troubles).toMatchObject([{ code: 'LOST_JOBS', count: 1 }]);
    const { fix } = explanation.troubles[0]!;
    expect(await simpleQueue(...fix.split(' ').slice(3))).toMatchObject({ code: 0 });
    expect(await stateOf(id)).toBe(given.state);
    expect(await checkPlaces(test.storage)).toEqual([]);
    expect(await admin.retry(await lose({ ...given }))).toMatchObject({ outcome: 'restored' });
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('is ended by cancel, by id and by filter, which leave nothing behind', async () => {
    const id = await lose(given);
    expect(await queues.cancel({ id })).toEqual({ cancelled: 1, requested: 0 });
    expect(await stateOf(id)).toBe('cancelled');
    const other = await lose(given);
    expect(await admin.cancel({ state: 'lost' })).toEqual({ cancelled: 1, requested: 0 });
    expect(await stateOf(other)).toBe('cancelled');
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('is purged where its state is asked for', async () => {
    const id = await lose(given);
    expect(await admin.purge({ state: 'lost' })).toEqual({ purged: 1, left: 0 });
    expect(await stateOf(id)).toBeUndefined();
    expect(await checkPlaces(test.storage)).toEqual([]);
  });
});

describe('a job that is lost, for those who meet it by its key or its id', () => {
  const KEYED: Record<string, Case> = Object.fromEntries(
    ['plain', 'with a priority', 'delayed'].map((name) => [name, CASES[name]!]),
  );

  it.each(
    Object.entries(KEYED).flatMap(([name, given]) =>
      (['replace', 'debounce'] as const).map((mode) => [name, mode, given] as const),
    ),
  )('%s, is changed by %s as one that waits', async (_name, mode, given) => {
    const uniqueKey = 'key';
    const id = await lose({ ...given, options: { ...given.options, uniqueKey } });
    const period = mode === 'debounce' ? { periodMs: 60_000 } : {};
    const options = { uniqueKey, onConflict: mode, ...period };
    expect(await queues.enqueue('plain', { n: 2 }, options)).toEqual({
      id,
      created: false,
      outcome: mode === 'replace' ? 'replaced' : 'postponed',
    });
    expect(await queues.find(id)).toMatchObject({
      state: mode === 'replace' ? 'ready' : 'scheduled',
      payload: { n: 2 },
    });
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it.each(Object.entries(CASES).filter(([, { place }]) => place === 'staged'))(
    '%s, stands where it belongs after its commit',
    async (_name, given) => {
      const state = given.options?.ordered ? 'blocked' : 'ready';
      const id = await lose(given);
      expect(await queues.commit(id)).toEqual({ outcome: 'committed', won: true, state });
      expect(await stateOf(id)).toBe(state);
      expect(await checkPlaces(test.storage)).toEqual([]);
      const other = await lose(given);
      expect(await queues.abort(other)).toMatchObject({ won: true, state: 'cancelled' });
      expect(await stateOf(other)).toBe('cancelled');
    },
  );

  it('is in the list of its queue, and in the whole one', async () => {
    const id = await lose(CASES['plain']!);
    const listed = [{ id, state: 'lost' }];
    expect((await admin.jobs({ queue: 'plain' })).jobs).toMatchObject(listed);
    expect((await admin.jobs({})).jobs).toMatchObject(listed);
  });
});

describe('jobs that are lost', () => {
  const ordered = { group: 'a', ordered: true } as const;

  it('several of one group keep their order, and one of them has the turn', async () => {
    const ids = (
      await queues.enqueueMany(
        'plain',
        Array.from({ length: 4 }, () => ({ payload: 1, ...ordered })),
      )
    ).map(({ id }) => id);
    await query(`delete from simple_queue.ready`);
    await query(`delete from simple_queue.blocked where id = $1`, [ids[2]]);
    expect(await admin.redrive({ state: 'lost' })).toEqual({ revived: 2, keyTaken: 0, gone: 0 });
    expect(await checkPlaces(test.storage)).toEqual([]);
    await simpleQueue('maintain');
    expect(await Promise.all(ids.map(stateOf))).toEqual(['ready', 'blocked', 'blocked', 'blocked']);
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('one that was blocked waits behind whoever has the turn, or behind a dead job', async () => {
    const [head, next] = await queues.enqueueMany(
      'plain',
      Array.from({ length: 2 }, () => ({ payload: 1, ...ordered })),
    );
    await query(`delete from simple_queue.blocked`);
    expect(await stateOf(next!.id)).toBe('lost');
    await admin.retry(next!.id);
    expect([await stateOf(head!.id), await stateOf(next!.id)]).toEqual(['ready', 'blocked']);
    expect(await checkPlaces(test.storage)).toEqual([]);
    await query(`delete from simple_queue.blocked`);
    await queues.cancel({ id: next!.id });
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  it('what runs is no lost job, and cancel asks it to stop as ever', async () => {
    const { id } = await test.rows.job({ state: 'running' });
    expect(await stateOf(id)).toBe('running');
    expect(await lists(id)).toEqual([]);
    expect(await queues.cancel({ id })).toEqual({ cancelled: 0, requested: 1 });
    await expect(admin.retry(id)).rejects.toMatchObject({ code: 'JOB_RUNNING' });
  });

  it('the doctor names them, and its advice puts them back', async () => {
    const ids = [];
    for (const given of Object.values(CASES).slice(0, 5)) ids.push(await lose(given));
    const doctor = new QueueDoctor(test.storage, test.options);
    const [finding] = await doctor.examine({ only: ['PLACES'] });
    expect(finding).toMatchObject({
      level: 'critical',
      found: expect.stringContaining('no place'),
    });
    const command = /`npx --no simple-queue ([^`]*)`/.exec(finding!.advice)![1]!;
    expect(await simpleQueue(...command.split(' '))).toMatchObject({ code: 0 });
    expect(await doctor.examine({ only: ['PLACES'] })).toMatchObject([{ level: 'ok' }]);
  });
});
