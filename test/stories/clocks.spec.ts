import { describe, expect, it } from '@jest/globals';
import { QUICK } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

const CHILD = new URL('./child-worker.ts', import.meta.url);
const AN_HOUR = 3_600_000;

describe.each([
  ['an hour ahead', AN_HOUR],
  ['an hour behind', -AN_HOUR],
])('I10 database time only: a process whose clock is %s', (_name, skew) => {
  const story = aStory();

  const aSkewedWorker = (handlers: string) => {
    const env = {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: handlers,
      CHILD_OPTIONS: JSON.stringify(QUICK),
      CLOCK_SKEW_MS: String(skew),
    };
    return new Child(CHILD, env, [new URL('../support/skewed-clock.mjs', import.meta.url)]).ready();
  };

  const stop = async (child: Child): Promise<void> => {
    child.signal('SIGTERM');
    await child.exited();
  };

  it('runs jobs when they are due, rests between attempts and keeps its lease', async () => {
    const application = await story.start({ options: { worker: false } });
    const { queues } = application;
    const child = await aSkewedWorker('clock');
    const soon = await queues.enqueue('clock', {}, { delayMs: 300 });
    const later = await queues.enqueue('clock', {}, { delayMs: AN_HOUR / 2 });
    const retried = await queues.enqueue('clock', 'fails once', {
      backoff: { type: 'constant', delayMs: 300 },
    });

    const job = await untilJobIs('succeeded', application, soon.id);
    const again = await untilJobIs('succeeded', application, retried.id);
    await stop(child);

    expect(Math.abs((job.output as { saw: number }).saw - Date.now() - skew)).toBeLessThan(
      AN_HOUR / 2,
    );
    expect(job.finishedAt!.getTime() - job.createdAt.getTime()).toBeGreaterThanOrEqual(300);
    expect(again.finishedAt!.getTime() - again.createdAt.getTime()).toBeGreaterThanOrEqual(300);
    expect(again.attempt).toBe(2);
    expect((await queues.find(later.id))?.state).toBe('scheduled');
    expect(child.said.filter(({ event }) => event === 'leaseLost')).toEqual([]);
  });

  it('neither loses its lease to others nor takes theirs', async () => {
    const application = await story.start({ providers: [] });
    const child = await aSkewedWorker('never');
    const { id } = await application.queues.enqueue('never', {});
    await child.says(({ event }) => event === 'started');
    const renewals = async () =>
      (
        await story.database.query<{ at: string }>(
          'select max(expires_at)::text as at from simple_queue.lease',
        )
      )[0]!.at;
    const before = await renewals();

    await eventually(async () => expect(await renewals() > before).toBe(true)); // prettier-ignore
    expect((await story.database.query('select from simple_queue.lease')).length).toBe(2);
    expect(await application.queues.find(id)).toMatchObject({ state: 'running', stalls: 0 });
    child.signal('SIGTERM');
    child.signal('SIGTERM');
    await child.kill();
    expect(application.seen('leaseLost')).toEqual([]);
  });
});
