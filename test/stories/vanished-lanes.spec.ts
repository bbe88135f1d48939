import { describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import type { EnqueueManyOptions } from '../../lib/job/enqueue-options.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { drain } from '../../lib/testing/testing.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const TABLES = `select string_agg(format('%s', c.oid::regclass), ', ') as names from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'simple_queue' and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'version'`;

const LARGE = Array.from({ length: 5_000 }, (_, n) => ({ payload: { n } }));
const two = [{ payload: 1 }, { payload: 2 }];

type Enqueue = (
  app: TestApplication,
  options?: EnqueueManyOptions,
) => Promise<{ id: string; created: boolean }[]>;

const ways: [string, Enqueue][] = [
  ['one job', async ({ queues }, options) => [await queues.enqueue('mails', 1, options)]],
  [
    'a delayed one',
    async ({ queues }, options) => [await queues.enqueue('mails', 1, { delayMs: 20, ...options })],
  ],
  [
    'one with a key',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, { uniqueKey: 'k', ...options }),
    ],
  ],
  [
    'one with an id',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, { id: crypto.randomUUID(), ...options }),
    ],
  ],
  [
    'one that replaces',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, { uniqueKey: 'r', onConflict: 'replace', ...options }),
    ],
  ],
  [
    'one that is throttled',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, {
        uniqueKey: 't',
        onConflict: 'throttle',
        periodMs: 60_000,
        ...options,
      }),
    ],
  ],
  [
    'one under a limit',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, { maxPending: 1, ...options }),
    ],
  ],
  [
    'one of an ordered group',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, { group: 'g', ordered: true, ...options }),
    ],
  ],
  [
    'one of another name',
    async ({ queues }, options) => [
      await queues.enqueue('mails', 1, { name: 'other', ...options }),
    ],
  ],
  ['two jobs', ({ queues }, options) => queues.enqueueMany('mails', two, options)],
  ['a large batch', ({ queues }, options) => queues.enqueueMany('mails', LARGE, options)],
];

describe('lanes that vanish under a living process', () => {
  const story = aStory();

  async function empty(how = 'truncate'): Promise<void> {
    const [{ names }] = (await story.database.query<{ names: string }>(TABLES)) as [
      { names: string },
    ];
    const rows = names
      .split(', ')
      .toSorted((a, b) => Number(a.endsWith('.queue')) - Number(b.endsWith('.queue')));
    // One transaction, in which no worker registers a lane again between the two.
    const lock = 'lock table simple_queue.queue, simple_queue.lane in share row exclusive mode';
    if (how === 'delete')
      await story.database.query([lock, ...rows.map((name) => `delete from ${name}`)].join(';'));
    else await story.database.query(`${how.replace('truncate', `truncate ${names}`)} cascade`);
  }

  const queueOf = async ({ queues }: TestApplication, { id }: { id: string }) =>
    (await queues.find(id))?.queue;

  it.each(ways)(
    'keep %s: it is stored in a lane that is there, in a transaction or not',
    async (_, enqueue) => {
      const app = await story.start({ options: { worker: false } });
      await enqueue(app);
      const other = await story.start({ options: { worker: false } });
      for (const how of ['truncate restart identity', 'delete']) {
        await empty(how);
        await other.queues.enqueueMany('payments', two);
        expect(await queueOf(app, (await enqueue(app))[0]!)).toBe('mails');
        await empty(how);
        const inside = await app.dataSource.transaction((manager) => enqueue(app, { manager }));
        expect(await queueOf(app, inside.at(-1)!)).toBe('mails');
      }
      await empty();
    },
  );

  it('are registered for a transaction whose snapshot is older', async () => {
    const app = await story.start({ options: { worker: false } });
    const old = async (enqueue: () => Promise<{ id: string }>, manager: EntityManager) => {
      await manager.query('select 1 from simple_queue.lane');
      return enqueue();
    };
    for (const options of [
      {},
      { uniqueKey: 'k' },
      { group: 'g', ordered: true },
      { delayMs: 10 },
    ]) {
      const job = await app.dataSource.transaction('REPEATABLE READ', (manager) =>
        old(() => app.queues.enqueue('mails', 1, { manager, ...options }), manager),
      );
      expect(await queueOf(app, job)).toBe('mails');
      await empty();
    }
  });

  it('are registered anew by a worker, which runs what comes then, and nothing in a handler of another queue', async () => {
    const ran: string[] = [];
    const providers = ['mails', 'payments', 'letters.a'].map((queue) =>
      aHandler(queue, (job) => void ran.push(`${job.queue} by ${queue}`)),
    );
    // Its lease vanishes with the lanes, and nobody shall take what it runs until it has noticed.
    const worker = await story.start({ providers, options: { reaperIntervalMs: 600_000 } });
    const producer = await story.start({ options: { worker: false } });
    for (const how of [
      'truncate',
      'delete',
      'truncate restart identity',
      'drop schema simple_queue',
    ]) {
      for (const queue of ['mails', 'payments']) await producer.queues.enqueue(queue, 1);
      await eventually(() => expect(ran.length).toBeGreaterThanOrEqual(2));
      ran.length = 0;
      await empty(how);
      if (how.startsWith('drop')) await story.start({ options: { worker: false } });
      const jobs = [
        await producer.queues.enqueue('payments', 1),
        await worker.queues.enqueue('letters.a', 2),
      ];
      for (const { id } of jobs) await untilJobIs('succeeded', producer, id);
      expect(ran.toSorted()).toEqual(['letters.a by letters.a', 'payments by payments']);
      ran.length = 0;
    }
  });

  it('are no trouble to tests that empty the tables between their cases', async () => {
    const ran: unknown[] = [];
    const [following, jobs] = ['following', 10];
    const app = await story.start({
      options: { pollIntervalMs: 60_000 },
      providers: [
        aHandler('mails', async (job, context) => {
          ran.push(job.payload);
          await context.enqueue(following, job.payload);
        }),
        aHandler(following, (job) => void ran.push(job.payload)),
      ],
    });
    for (let round = 0; round < 4; round++) {
      await empty();
      await app.queues.enqueueMany(
        'mails',
        Array.from({ length: jobs }, () => ({ payload: round })),
      );
      await drain(app.app);
      expect(ran.filter((each) => each === round)).toHaveLength(2 * jobs);
    }
    expect(app.seen('reaped')).toEqual([]);
  });

  it('are no trouble where one was renamed by hand: its jobs run in the handler of what it is called now', async () => {
    const ran: string[] = [];
    const gate = aGate();
    const providers = ['mails', 'posts.*'].map((queue) =>
      aHandler(queue, async (job) => {
        ran.push(`${job.queue} by ${queue}`);
        if (job.payload === 'first') await gate.passed;
      }),
    );
    const options = { concurrency: 1, janitorIntervalMs: 1_000 };
    const worker = await story.start({ providers, options });
    const producer = await story.start({ options: { worker: false } });
    await producer.queues.enqueue('mails', 'first');
    await eventually(() => ran.length === 1);
    await story.database.query(
      `update simple_queue.queue set name = 'posts.a' where name = 'mails'`,
    );
    await producer.queues.enqueueMany('posts.a', two);
    await eventually(async () => {
      const known = await story.database.query(
        `select from simple_queue.queue where name = 'mails'`,
      );
      return known.length === 1;
    });
    gate.open();
    await eventually(() => worker.seen('succeeded').length === 3);
    await worker.queues.enqueue('mails', 1);
    await eventually(() => worker.seen('succeeded').length === 4);
    expect(ran).toEqual([
      'mails by mails',
      'posts.a by posts.*',
      'posts.a by posts.*',
      'mails by mails',
    ]);
    expect(worker.seen('leaseLost')).toEqual([]);
  });

  it('are found again by those who claim through the pull contract', async () => {
    const app = await story.start({ options: { worker: false } });
    const queue = app.app.get(JobQueue, { strict: false });
    const claim = () => queue.claim({ workerId: 'w', queues: ['*'], leaseMs: 10_000, limit: 10 });
    for (let round = 0; round < 3; round++) {
      const { id } = await app.queues.enqueue('mails', round);
      const { leaseId, jobs } = await claim();
      expect(jobs.map((job) => [job.id, job.queue])).toEqual([[id, 'mails']]);
      await queue.complete(leaseId, id);
      await empty();
    }
  });
});
