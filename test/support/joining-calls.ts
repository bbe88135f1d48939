import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { EnqueueItem, EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { QueueService } from '../../lib/queue.service.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import { aGate } from './gate.js';
import { aDataSource, aStorage, type TestStorage } from './storage.js';
import { checkPlaces } from './check-places.js';

const ID = '00000000-0000-4000-8000-000000000001';

/** Jobs that stand there before, for calls that change one, and the transaction to join. */
export interface JoiningWorld {
  queues: QueueService;
  manager: EntityManager | QueryRunner;
  waiting: string;
  staged: string;
}

export const many = (
  count: number,
  more: (n: number) => Partial<EnqueueItem> = () => ({}),
): EnqueueItem[] => Array.from({ length: count }, (_, n) => ({ payload: n, ...more(n) }));

const enqueues: Record<string, EnqueueOptions> = {
  'a plain job': {},
  'a keyed job': { uniqueKey: 'key' },
  'a delayed job': { delayMs: 60_000 },
  'a job with an id': { id: ID },
  'an ordered job': { group: 'a', ordered: true },
  'a grouped job': { group: 'b' },
  'a staged job': { staged: true },
  'a job under a limit': { maxPending: 100 },
  'a known job under a limit': { maxPending: 100, uniqueKey: 'key' },
  'a replacing job': { uniqueKey: 'waiting', onConflict: 'replace' },
  'a debounced job': { uniqueKey: 'waiting', onConflict: 'debounce', periodMs: 1_000 },
  'a throttled job': { uniqueKey: 'throttle', onConflict: 'throttle', periodMs: 1_000 },
};

const batches: Record<string, EnqueueItem[]> = {
  'plain jobs': many(3),
  'plain jobs in several statements': many(5_001),
  'keyed jobs in several statements': many(5_001, (n) => ({ uniqueKey: `k${n}` })),
  'ordered jobs in several statements': many(5_001, (n) => ({ group: `g${n % 7}`, ordered: true })),
  'free and grouped jobs': many(4, (n) => (n % 2 ? { group: 'g' } : { uniqueKey: `k${n}` })),
};

/** Every call that joins a transaction, on a queue `mail`. */
export const DOORS: Record<string, (world: JoiningWorld) => Promise<unknown>> = {
  ...Object.fromEntries(
    Object.entries(enqueues).map(([name, options]) => [
      `enqueue of ${name}`,
      ({ queues, manager }: JoiningWorld) => queues.enqueue('mail', 1, { ...options, manager }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(batches).map(([name, items]) => [
      `enqueueMany of ${name}`,
      ({ queues, manager }: JoiningWorld) => queues.enqueueMany('mail', items, { manager }),
    ]),
  ),
  'cancel by id': ({ queues, manager, waiting }) => queues.cancel({ id: waiting }, { manager }),
  'cancel by key': ({ queues, manager }) =>
    queues.cancel({ queue: 'mail', uniqueKey: 'waiting' }, { manager }),
  'cancel by fingerprint': ({ queues, manager }) =>
    queues.cancel({ fingerprint: 'tag' }, { manager }),
  commit: ({ queues, manager, staged }) => queues.commit(staged, { manager }),
  abort: ({ queues, manager, staged }) => queues.abort(staged, { manager }),
};

/** A caller's DataSource with one connection, beside a storage; jobs stand there that calls can change. */
export interface Joining {
  readonly test: TestStorage;
  readonly dataSource: DataSource;
  readonly world: Omit<JoiningWorld, 'manager'>;
  /** What workers have heard in this test. */
  readonly heard: Signal[];
  begun: () => Promise<QueryRunner>;
  count: () => Promise<number>;
  /** All that calls can change. */
  everything: () => Promise<unknown>;
}

export function aJoining(extra: object): Joining {
  let test: TestStorage;
  let dataSource: DataSource;
  let world: Omit<JoiningWorld, 'manager'>;
  let heard: Signal[] = [];
  let open: QueryRunner[] = [];

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'off' });
    test.storage.signals.receive((signal) => heard.push(signal));
  });
  beforeEach(async () => {
    await test.rows.clear();
    dataSource = await aDataSource(test.database.url, { extra: { ...extra, max: 1 } });
    const queues = new QueueService(test.storage, resolveOptions({}).options, new QueueEventBus());
    const { id: waiting } = await queues.enqueue('mail', 0, {
      uniqueKey: 'waiting',
      fingerprint: 'tag',
    });
    const { id: staged } = await queues.enqueue('mail', 0, { staged: true });
    world = { queues, waiting, staged };
    heard = [];
  });
  afterEach(async () => {
    for (const runner of open) await runner.release();
    open = [];
    await dataSource.destroy();
    expect(await checkPlaces(test.storage)).toEqual([]);
  });
  afterAll(() => test.close());

  return {
    get test() {
      return test;
    },
    get dataSource() {
      return dataSource;
    },
    get world() {
      return world;
    },
    get heard() {
      return heard;
    },
    begun: async () => {
      const runner = dataSource.createQueryRunner();
      open.push(runner);
      await runner.startTransaction();
      return runner;
    },
    count: async () => (await test.database.query('select from simple_queue.job')).length,
    everything: () =>
      test.database.query(
        `select (select json_agg(j order by id) from simple_queue.job j) as jobs, (select json_agg(r order by id) from simple_queue.ready r) as ready,
          (select json_agg(s order by id) from simple_queue.staged s) as staged, (select count(*) from simple_queue.archive) as ended`,
      ),
  };
}

/** A job whose schema takes its time. */
export function aSlowJob() {
  const gate = aGate();
  const validate = (value: unknown) => gate.passed.then(() => ({ value }));
  const job = defineJob({
    queue: 'mail',
    payload: { '~standard': { version: 1, vendor: 'test', validate } } as const,
  });
  return { job, onLeaseLost: () => gate.open() };
}
