import { describe, expect, it } from '@jest/globals';
import type { Job } from '../../lib/job/job.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { Rows } from '../support/rows.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('labels', () => {
  const story = aStory();
  const collecting = (into: unknown[], queue: string) =>
    aHandler(queue, (job: Job<number>) => void into.push([job.payload, job.labels]));

  it('let a job run only where all of them are, and its handler sees them', async () => {
    const [plain, gpu, both]: unknown[][] = [[], [], []];
    const first = await story.start({ providers: [collecting(plain!, 'render')] });
    await story.start({
      options: { worker: { labels: ['gpu'] } },
      providers: [collecting(gpu!, 'render')],
    });
    await first.queues.enqueue('render', 1, { labels: ['eu', 'gpu', 'gpu'] });
    await first.queues.enqueue('render', 2, { labels: ['gpu'] });
    await eventually(() => expect(gpu).toEqual([[2, ['gpu']]]));
    expect(await first.worker.runUntilEmpty()).toMatchObject({ succeeded: 0 });

    await story.start({
      options: { worker: { labels: ['gpu', 'eu', 'ssd'] } },
      providers: [collecting(both!, 'render')],
    });
    await eventually(() => expect(both).toEqual([[1, ['eu', 'gpu']]]));
    expect([plain, gpu]).toEqual([[], [[2, ['gpu']]]]);
  });

  it('that one job has and no worker block nobody', async () => {
    const ran: unknown[] = [];
    const app = await story.start({ providers: [collecting(ran, 'mixed')] });
    const { id } = await app.queues.enqueue('mixed', 0, { labels: ['mainframe'], priority: -100 });
    const items = Array.from({ length: 200 }, (_, n) => ({ payload: n + 1 }));
    await app.queues.enqueueMany('mixed', items);
    await eventually(() => expect(ran).toHaveLength(200));
    expect(await app.queues.find(id)).toMatchObject({ state: 'ready', labels: ['mainframe'] });
    expect(app.seen('warning').map(({ code }) => code)).not.toContain('HANDLER_MISSING');
    expect(await app.queues.cancel({ id })).toEqual({ cancelled: 1, requested: 0 });
  });

  it('stay with a job across retry, and into archive and dead letter', async () => {
    let runs = 0;
    const handler = aHandler('flaky', () => {
      if (++runs < 2) throw new Error('once');
    });
    const app = await story.start({
      options: { worker: { labels: ['a'] }, backoff: { type: 'constant', delayMs: 0 } },
      providers: [handler],
    });
    const { id } = await app.queues.enqueue('flaky', 1, { labels: ['a'], workflowId: 'wf-1' });
    expect(await untilJobIs('succeeded', app, id)).toMatchObject({
      labels: ['a'],
      workflowId: 'wf-1',
      attempt: 2,
    });
  });

  it('as ids are refused once there are too many, and what came before still runs', async () => {
    const ran: unknown[] = [];
    const app = await story.start({ providers: [collecting(ran, 'wrong')] });
    const { queueId } = await app.storage.lanes.of('wrong', '');
    await new Rows(story.database).lanes(queueId, 1, 1_000, 'labels');
    await expect(app.queues.enqueue('wrong', 1, { labels: ['id-1001'] })).rejects.toMatchObject({
      code: 'TOO_MANY_LANES',
    });
    const many = app.queues.enqueueMany('wrong', [
      { payload: 1 },
      { payload: 2, labels: ['id-1001'] },
    ]);
    await expect(many).rejects.toMatchObject({ code: 'TOO_MANY_LANES' });
    await app.queues.enqueue('wrong', 'plain');
    await eventually(() => expect(ran).toEqual([['plain', []]]));
  });
});

describe('workflows', () => {
  const story = aStory();

  it('are cancelled in batches, running jobs and waiting ones, in the transaction of the caller too', async () => {
    const app = await story.start({
      options: { worker: { autoStart: false } },
      providers: [aHandler('steps', () => undefined)],
    });
    const items = Array.from({ length: 2_500 }, (_, n) => ({
      payload: n,
      workflowId: n % 5 ? 'wf' : 'other',
    }));
    await app.queues.enqueueMany('steps', items);
    const undone = app.dataSource.transaction(async (manager) => {
      expect(await app.queues.cancel({ workflowId: 'wf' }, { manager })).toEqual({
        cancelled: 2_000,
        requested: 0,
      });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await app.queues.cancel({ workflowId: 'wf', queue: 'elsewhere' })).toEqual({
      cancelled: 0,
      requested: 0,
    });
    expect(await app.queues.cancel({ workflowId: 'wf', queue: 'steps' })).toEqual({
      cancelled: 2_000,
      requested: 0,
    });
    expect(await app.worker.runUntilEmpty()).toMatchObject({ succeeded: 500 });
  });
});
