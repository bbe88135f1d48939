import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { constant } from '../../lib/job/backoff.js';
import type { ContextCarrier } from '../../lib/job/context-carrier.js';
import type { Job } from '../../lib/job/job.js';
import { Permit } from '../../lib/job/permit.js';
import { withMiddleware } from '../../lib/run/middleware.js';
import { aHandler } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

const surroundings = new AsyncLocalStorage<string>();
const tenant = (): string => surroundings.getStore() ?? 'nobody';

/** The tenant, as an application of this file carries it. */
class TenantCarrier implements ContextCarrier {
  capture(): Record<string, string> | undefined {
    const store = surroundings.getStore();
    return store === undefined ? undefined : { tenant: store };
  }

  restore({ headers }: Job, next: () => Promise<void>): Promise<void> {
    return headers['tenant'] === undefined ? next() : surroundings.run(headers['tenant'], next);
  }
}

describe('the context of an enqueue', () => {
  const story = aStory();
  const options = { carriers: [new TenantCarrier()], backoff: constant({ delayMs: 0 }) };
  const seen: [queue: string, n: number, tenant: string][] = [];
  const noting = (queue: string) =>
    aHandler(queue, ({ payload: { n } }) => void seen.push([queue, n, tenant()]));
  const stored = () => story.database.query('select from simple_queue.job');

  afterEach(() => {
    jest.restoreAllMocks();
    seen.length = 0;
  });

  it('reaches the handler by every way in, and what the handler enqueues', async () => {
    const parent = aHandler(
      'parent',
      async (_, context) => void (await context.enqueue('child', { n: 4 })),
    );
    const { queues, dataSource, worker } = await story.start({
      options: { ...options, queues: { child: { ordered: false } }, worker: { autoStart: false } },
      providers: [noting('child'), parent],
    });

    await surroundings.run('a', async () => {
      await queues.enqueue('child', { n: 1 });
      await queues.enqueueMany('child', [{ payload: { n: 2 } }]);
      await dataSource.transaction((manager) => queues.enqueue('child', { n: 3 }, { manager }));
      await queues.enqueue('parent', {});
    });
    await queues.enqueue('child', { n: 5 });
    await surroundings.run('a', () =>
      queues.enqueue('child', { n: 6 }, { headers: { tenant: 'b', other: 'x' } }),
    );

    await worker.runUntilEmpty();
    const found = seen.map(([, n, who]) => [n, who]).sort();
    expect(found).toEqual([[1, 'a'], [2, 'a'], [3, 'a'], [4, 'a'], [5, 'nobody'], [6, 'b']]); // prettier-ignore
  });

  it('stands around permits, too, and not around a batch, whose jobs have one each', async () => {
    class Careful {
      acquire(): Permit {
        seen.push(['permit', 1, tenant()]);
        return Permit.free;
      }
      process(): void {
        seen.push(['handler', 1, tenant()]);
      }
    }
    QueueHandler('careful')(Careful);
    const batch = aHandler('batch', () => void seen.push(['batch', 2, tenant()]), {
      batch: { size: 2 },
    });
    const { queues, worker } = await story.start({ options, providers: [Careful, batch] });
    await surroundings.run('a', () =>
      Promise.all([queues.enqueue('careful', {}), queues.enqueue('batch', {})]),
    );
    await worker.runUntilEmpty();
    expect(seen.sort()).toEqual([
      ['batch', 2, 'nobody'],
      ['handler', 1, 'a'],
      ['permit', 1, 'a'],
    ]);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => JSON.parse('{') as unknown],
    ['answers no strings', () => ({ tenant: 7 })],
    ['answers too much', () => ({ tenant: 'x'.repeat(9_000) })],
  ])('refuses the enqueue where capture %s, and stores nothing', async (_, capture) => {
    const { queues } = await story.start({ options });
    jest.spyOn(options.carriers[0]!, 'capture').mockImplementation(capture as never);
    for (const call of [
      queues.enqueue('refused', {}),
      queues.enqueueMany('refused', [{ payload: 1 }]),
    ])
      await expect(call).rejects.toMatchObject({
        code: 'CONTEXT_INVALID',
        message: expect.stringContaining('TenantCarrier'),
      });
    expect(await stored()).toEqual([]);
  });

  it.each<[string, ContextCarrier['restore']]>([
    ['throws', () => Promise.reject(new Error('no such tenant'))],
    ['forgets to go on', () => Promise.resolve()],
  ])('fails the attempt where restore %s, and loses no job', async (_, restore) => {
    const application = await story.start({ options, providers: [noting('patient')] });
    jest.spyOn(options.carriers[0]!, 'restore').mockImplementationOnce(restore);
    const { id } = await surroundings.run('a', () =>
      application.queues.enqueue('patient', { n: 1 }),
    );

    const { history } = await untilJobIs('succeeded', application, id);
    expect(history).toMatchObject([
      { outcome: 'retried', error: { message: expect.stringContaining('did not run without it') } },
    ]);
    expect(application.seen('retried')).toMatchObject([{ id, error: { code: 'CONTEXT_INVALID' } }]);
    expect(seen).toEqual([['patient', 1, 'a']]);
  });

  it('changes nothing where restore throws afterwards, and says so', async () => {
    const application = await story.start({ options, providers: [noting('done')] });
    jest.spyOn(options.carriers[0]!, 'restore').mockImplementation(async (_, next) => {
      await Promise.all([next(), next()]);
      throw new Error('too late');
    });
    const { id } = await application.queues.enqueue('done', { n: 1 });
    await untilJobIs('succeeded', application, id);
    await eventually(() =>
      expect(application.seen('warning')).toMatchObject([{ code: 'CARRIER_FAILED' }]),
    );
    expect(seen).toHaveLength(1);
  });

  it('goes from a request of the real nestjs-cls to the handler, as the guide has it', async () => {
    const child = new Child(new URL('./child-carrier.ts', import.meta.url), {
      DATABASE_URL: story.database.url,
    });
    const { url } = await child.says(({ event }) => event === 'ready');
    const place = (headers: Record<string, string>) =>
      fetch(`${String(url)}/orders`, { method: 'POST', headers });
    await Promise.all([place({ 'x-tenant': 'north' }), place({ 'x-tenant': 'south' })]);
    const tenants = () =>
      child.said.filter(({ event }) => event === 'ran').map((line) => line['tenant']);
    await eventually(() => expect(tenants().sort()).toEqual(['nobody', 'north', 'south']), {
      timeoutMs: 10_000,
    });
    child.signal('SIGTERM');
    await child.exited();
  });

  it('costs nothing where nobody carries it', () => {
    const execute = () => Promise.resolve();
    expect(
      withMiddleware(execute, {
        carriers: [],
        events: undefined as never,
        refuse: undefined as never,
      }),
    ).toBe(execute);
  });

  it('leaks into no other job from a carrier that enters it for good', async () => {
    jest.spyOn(options.carriers[0]!, 'restore').mockImplementation((job, next) => {
      seen.push(['before', 0, tenant()]);
      surroundings.enterWith(job.headers['tenant'] ?? 'nobody');
      return next();
    });
    const { queues, worker } = await story.start({
      options: { ...options, worker: { autoStart: false } },
      providers: [noting('entered')],
    });
    await surroundings.run('a', () =>
      queues.enqueueMany('entered', [{ payload: { n: 1 } }, { payload: { n: 2 } }]),
    );
    await worker.runUntilEmpty();
    expect(seen.filter(([what]) => what === 'before').map(([, , who]) => who)).toEqual([
      'nobody',
      'nobody',
    ]);
  });
});
