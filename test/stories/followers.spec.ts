import { beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { pauseFor } from '../support/pause.js';
import { aStory, loseLeases } from '../support/story.js';

const GROUPS = ['a', 'b', 'c'];
const EACH = 60;

describe('jobs of an ordered group that follow each other in one process', () => {
  const story = aStory();
  let begun: { group: string; n: number; to?: number; attempt: number }[] = [];
  let ended = 0;
  let on = async (_n: number): Promise<void> => undefined;

  beforeEach(() => {
    [begun, ended, on] = [[], 0, async () => undefined];
  });

  const handler = aHandler(
    'steps',
    async (job: Job<{ group: string; n: number; to?: number }>) => {
      begun.push({ ...job.payload, attempt: job.attempt });
      await on(begun.length);
      ended++;
    },
    { concurrency: 2 },
  );
  const aWorker = () => story.start({ providers: [handler] });
  const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });
  const enqueueAll = ({ queues }: TestApplication) =>
    queues.enqueueMany(
      'steps',
      Array.from({ length: EACH }, (_, n) =>
        GROUPS.map((group) => ({ payload: { group, n }, group, ordered: true })),
      ).flat(),
    );
  const live = async () => (await story.database.query('select from simple_queue.job')).length;
  const untilDone = () => eventually(async () => (await live()) === 0, { timeoutMs: 30_000 });
  const all = Array.from({ length: EACH }, (_, n) => n);
  /** What was begun of a group; a job that begins again right after itself counts once. */
  const orderOf = (group: string) =>
    begun
      .filter((start) => start.group === group)
      .map(({ n }) => n)
      .filter((n, at, starts) => n !== starts[at - 1]);

  it('go back with a clean stop as if they had never been claimed', async () => {
    const first = await aWorker();
    const halfway = new Promise<void>((resolve) => {
      on = async (n) => (n === EACH ? resolve() : undefined);
    });
    await enqueueAll(first);
    await halfway;
    await first.close();
    expect(await story.database.query('select from simple_queue.claim')).toEqual([]);
    expect(
      await story.database.query('select from simple_queue.job where attempt + stalls > 0'),
    ).toEqual([]);
    expect(await live()).toBe(GROUPS.length * EACH - ended);

    await aWorker();
    await untilDone();
    for (const group of GROUPS) expect(orderOf(group)).toEqual(all);
    expect(begun).toHaveLength(GROUPS.length * EACH);
  });

  it('wait while their queue is paused', async () => {
    const worker = await aWorker();
    const paused = new Promise<void>((resolve, reject) => {
      on = async (n) => {
        if (n === EACH) await pauseFor([worker], 'steps').then(resolve, reject);
      };
    });
    await enqueueAll(worker);
    await paused;
    await eventually(
      async () => (await story.database.query('select from simple_queue.claim')).length === 0,
    );
    expect(begun.length).toBe(ended);
    expect(await live()).toBe(GROUPS.length * EACH - ended);

    await adminOf(worker).resume('steps');
    await untilDone();
    for (const group of GROUPS) expect(orderOf(group)).toEqual(all);
  });

  it('are cancelled with their group, whoever has claimed them', async () => {
    const worker = await aWorker();
    const cancelled = new Promise<void>((resolve, reject) => {
      on = async (n) => {
        if (n !== EACH) return;
        await worker.queues.cancel({ queue: 'steps', group: 'b' }).then(() => resolve(), reject);
      };
    });
    await enqueueAll(worker);
    await cancelled;
    await untilDone();

    for (const group of ['a', 'c']) expect(orderOf(group)).toEqual(all);
    expect(orderOf('b')).toEqual(all.slice(0, orderOf('b').length));
    expect(worker.seen('cancelled').length).toBeLessThanOrEqual(2);
  });

  it('run with what they hold when their turn comes, also where they were read ahead', async () => {
    const worker = await aWorker();
    const seen = new Map<number, unknown>();
    const changed = new Map<number, boolean>();
    let ids: string[] = [];
    on = async () => {
      const { group, n, to } = begun.at(-1)!;
      if (group !== 'a') return;
      seen.set(n, to);
      for (const later of [n + 1, n + 2, n + 5]) {
        const id = ids[later * GROUPS.length];
        if (!id || n % 7 !== 0) continue;
        const payload = { group, n: later, to: n };
        changed.set(later, (await worker.queues.change(id, { payload })).changed);
      }
    };
    ids = (await enqueueAll(worker)).map(({ id }) => id);
    await untilDone();
    for (const [n, was] of changed) expect([n, seen.get(n) !== undefined]).toEqual([n, was]);
    expect([...changed.values()].filter(Boolean).length).toBeGreaterThan(10);
    for (const group of GROUPS) expect(orderOf(group)).toEqual(all);
  });

  it('are run by whoever comes next where the lease was lost, in order', async () => {
    const worker = await aWorker();
    const lost = new Promise<void>((resolve, reject) => {
      on = async (n) => {
        if (n === EACH) await loseLeases(story.database).then(resolve, reject);
      };
    });
    await enqueueAll(worker);
    await lost;
    await untilDone();
    for (const group of GROUPS) expect(orderOf(group)).toEqual(all);
  });
});
