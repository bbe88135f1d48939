import { beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { JobOptions } from '../../lib/job/enqueue-options.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { drain } from '../../lib/testing/testing.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { LaneTurns } from '../../lib/storage/lanes/lane-turns.js';
import { MAX_LANES } from '../../lib/storage/lanes/lane-bounds.js';
import { aHandler, failedLoops } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

const OLDER = MAX_LANES + 500;

describe('more lanes than a process asks for at once', () => {
  const story = aStory();

  /** Of lanes that nobody has used since. */
  beforeEach(async () => {
    await (await story.start({ options: { worker: false } })).close();
    await story.database.query(
      `insert into simple_queue.queue (id, name) select n, 'old.' || n from generate_series(1, 21) n on conflict do nothing`,
    );
    await story.database.query(
      `insert into simple_queue.lane (id, queue, name, created_at)
       select 1000 + n, n % 21 + 1, 'n' || n, '2020-01-01' from generate_series(1, $1::int) n on conflict do nothing`,
      [OLDER],
    );
  });

  const anyQueue = (pattern: string) => [aHandler(pattern, () => undefined)];
  const ways: [string, SimpleQueueOptions, string, string, JobOptions][] = [
    ['of all queues', {}, '*', 'young', {}],
    ['of all queues that is told of nothing', { wakeUp: 'off' }, '*', 'young', {}],
    ['of some queues', { worker: { queues: ['mine.*'] } }, '*', 'mine.a', {}],
    ['with labels', { worker: { labels: ['gpu'] } }, '*', 'young', { labels: ['gpu'] }],
  ];

  it.each(ways)(
    'keep no job of a younger lane from a worker %s',
    async (_, options, pattern, queue, given) => {
      const worker = await story.start({ providers: anyQueue(pattern), options });
      const producer = await story.start({ options: { worker: false } });
      for (let n = 0; n < 2; n++) {
        const { id } = await producer.queues.enqueue(queue, n, { name: `n${n}`, ...given });
        await untilJobIs('succeeded', producer, id);
      }
      expect(failedLoops(worker)).toEqual([]);
    },
  );

  it('are given in turns where jobs wait in all of them', async () => {
    const app = await story.start({ options: { worker: false } });
    await story.database.query(
      `insert into simple_queue.job (id, shard, lane, queue, run_at) select gen_random_uuid(), 0, id, queue, now() from simple_queue.lane where labels = '{}'`,
    );
    await story.database.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, 0, priority, run_at, id, epoch from simple_queue.job`,
    );
    const turns = new LaneTurns(app.storage.lanes, new Set());
    const seen = new Set<number>();
    for (let turn = 0; turn < 4; turn++) {
      const lanes = await turns.read([{ queue: '*' }]);
      expect(lanes.length).toBeLessThanOrEqual(MAX_LANES);
      for (const { id } of lanes) seen.add(id);
    }
    expect(turns.isCut).toBe(true);
    const waiting = await story.database.query<{ lane: number }>(
      'select lane from simple_queue.ready',
    );
    expect(waiting.filter(({ lane }) => !seen.has(lane))).toEqual([]);
    await story.clear();
  });

  it('are drained, all of them, and their turns follow as soon as those before have nothing left', async () => {
    const producer = await story.start({ options: { worker: false } });
    await story.database.query(
      `insert into simple_queue.job (id, shard, lane, queue, run_at) select gen_random_uuid(), 0, id, queue, now() from simple_queue.lane where labels = '{}'`,
    );
    await story.database.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, 0, priority, run_at, id, epoch from simple_queue.job`,
    );
    let ran = 0;
    const providers = [aHandler('*', () => void ran++)];
    const worker = await story.start({ providers, options: { worker: { autoStart: false } } });
    await drain(worker.app, { timeoutMs: 600_000 });
    expect(ran).toBeGreaterThanOrEqual(OLDER);
    expect(await story.database.query('select from simple_queue.job')).toEqual([]);
    await producer.close();
  });

  it('take the next turn sooner where those of the last one have no jobs left, if it found any', async () => {
    const { storage } = await story.start({ options: { worker: false } });
    const lane = { id: 1, queueId: 1, queue: 'q', name: '', labels: [] };
    const gapsMs = [];
    for (const found of [[lane], []]) {
      const dear = {
        served: storage.lanes.served.bind(storage.lanes),
        withJobs: async () => {
          for (const since = performance.now(); performance.now() < since + 60;);
          return { lanes: found, next: 0 };
        },
      };
      const turns = new LaneTurns(dear as never, new Set());
      const beganAt = performance.now();
      await turns.read([{ queue: '*' }]);
      gapsMs.push(turns['dueAt'] - turns['idleDueAt']);
      expect(turns['idleDueAt'] - beganAt).toBeGreaterThanOrEqual(1_000);
    }
    expect([gapsMs[0]! > 0, gapsMs[1]]).toEqual([true, 0]);
  });

  it("keep no handler's own lane from it, and no remote worker from a younger one", async () => {
    const own = await story.start({
      providers: [...anyQueue('*'), aHandler('own', () => undefined)],
    });
    await untilJobIs('succeeded', own, (await own.queues.enqueue('own', 1)).id);
    await own.worker.stop();

    const { id } = await own.queues.enqueue('remote', 1);
    const queue = own.app.get(JobQueue, { strict: false });
    const { jobs, leaseId } = await eventually(async () => {
      const claimed = await queue.claim({
        workerId: 'w',
        queues: ['*'],
        leaseMs: 60_000,
        limit: 5,
      });
      if (claimed.jobs.length === 0) throw new Error('nothing yet');
      return claimed;
    });
    expect(jobs.map((job) => job.id)).toEqual([id]);
    await queue.complete(leaseId, id);
  });

  it('are named by explain and by the doctor where a job waits for the turn of its lane', async () => {
    const app = await story.start({ options: { worker: false } });
    await story.database.query(
      `insert into simple_queue.lease (id, shard, worker, expires_at, lanes)
       select gen_random_uuid(), 0, 'full', now() + interval '1 hour', array_agg(id) from (select id from simple_queue.lane order by id limit $1) l`,
      [MAX_LANES],
    );
    const { id } = await app.queues.enqueue('turned', 1);
    const { reasons } = await app.app.get(QueueAdmin, { strict: false }).explain(id);
    expect(reasons.map(({ text }) => text).join()).toContain('take turns');
    const findings = await app.app.get(QueueDoctor, { strict: false }).examine();
    expect(findings.find(({ code }) => code === 'NO_HANDLER')).toMatchObject({
      level: 'notice',
      found: expect.stringContaining('turned'),
    });
    await app.queues.cancel({ id });
    await story.database.query('delete from simple_queue.lease');
  });
});
