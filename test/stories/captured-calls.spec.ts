import { describe, expect, it } from '@jest/globals';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { EnqueueItem, EnqueueOptions } from '../../lib/job/enqueue-options.js';
import type { JobTarget } from '../../lib/job/job-template.js';
import type { Telemetry } from '../../lib/observability/telemetry.js';
import type { QueueService } from '../../lib/queue.service.js';
import { RecordingQueueService } from '../../lib/testing/recording-queue.service.js';
import type { TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';

/** Of the event loop. */
const aTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Order {
  amount: number;
}

const check = (value: unknown) =>
  (value as Order).amount > 0 ? { value } : { issues: [{ message: 'must be positive' }] };
const schema = (validate: (value: unknown) => unknown) =>
  ({ '~standard': { version: 1, vendor: 'test', validate: validate as never } }) as const;
const Sync = defineJob({ queue: 'mail', payload: schema(check) });
const Async = defineJob({
  queue: 'mail',
  payload: schema(async (value) => {
    await aTurn();
    return check(value);
  }),
});

const DUE = Date.UTC(2040, 0);
/** All that a caller may go on to change. */
const given = () => ({
  payloadBytes: new Uint8Array([1]),
  headers: { tenant: 'a' } as Record<string, string>,
  labels: ['gpu'],
  runAt: new Date(DUE),
  fingerprint: 'f',
});
function spoil(options: ReturnType<typeof given>, order: Order): void {
  order.amount = -1;
  options.payloadBytes[0] = 9;
  options.headers['tenant'] = 'b';
  options.labels[0] = 'spoiled';
  options.runAt.setTime(0);
  options.fingerprint = 'spoiled';
}
const asGiven = (amount = 5) => ({
  payload: { amount },
  payloadBytes: Buffer.from([1]),
  headers: { tenant: 'a' },
  labels: ['gpu'],
  runAt: new Date(DUE),
  fingerprint: 'f',
});

/** A telemetry that asks somebody before it goes on. */
const slow: Telemetry = {
  start: () => () => undefined,
  enqueue: async (_call, next) => {
    await aTurn();
    return next();
  },
};

describe.each<[string, JobTarget]>([
  ['a queue', 'mail'],
  ['a template whose schema answers at once', Sync],
  ['a template whose schema answers later', Async],
])('what is stored in %s is what was given to the call', (_, target) => {
  const story = aStory();

  type Door = (queues: QueueService, order: Order, options: EnqueueOptions) => Promise<string>;
  const enqueue: Door = async (queues, order, options) =>
    (await queues.enqueue(target, order, options)).id;
  const enqueueMany: Door = async (queues, order, options) => {
    const items: EnqueueItem[] = [
      { payload: order, ...options },
      { payload: order, ...options },
    ];
    const enqueued = queues.enqueueMany(target, items);
    items[1] = { payload: { amount: -2 } };
    items.push({ payload: { amount: -3 } });
    const stored = await enqueued;
    expect(stored).toHaveLength(2);
    return stored[1]!.id;
  };
  const enqueueAndWait: Door = async (queues, order, options) => {
    const id = crypto.randomUUID();
    const gone = new AbortController();
    const end = queues
      .enqueueAndWait(target, order, { ...options, id, signal: gone.signal })
      .catch((error: { code: string }) => expect(error.code).toBe('WAIT_ABORTED'));
    await eventually(async () => expect(await queues.find(id)).toBeDefined());
    gone.abort();
    await end;
    return id;
  };
  const doors: [string, Door][] = [
    ['enqueue', enqueue],
    ['enqueueMany', enqueueMany],
    ['enqueueAndWait', enqueueAndWait],
  ];

  async function stored(queues: QueueService, door: Door) {
    const [order, options] = [{ amount: 5 }, given()];
    const id = door(queues, order, options);
    spoil(options, order);
    return queues.find(await id);
  }

  it.each(doors)('by %s', async (_name, door) => {
    const { queues } = await story.start({ options: { worker: false } });
    expect(await stored(queues, door)).toMatchObject(asGiven());
  });

  it.each(doors)('by %s, behind a telemetry that goes on later', async (_name, door) => {
    const { queues } = await story.start({ options: { worker: false, telemetry: slow } });
    expect(await stored(queues, door)).toMatchObject(asGiven());
  });

  it('in a transaction', async () => {
    const { queues, dataSource }: TestApplication = await story.start({
      options: { worker: false },
    });
    const [order, options] = [{ amount: 5 }, given()];
    const id = await dataSource.transaction((manager) => {
      const enqueued = enqueue(queues, order, { ...options, manager });
      spoil(options, order);
      return enqueued;
    });
    expect(await queues.find(id)).toMatchObject(asGiven());
  });

  it.each(doors)('by %s of the recording service', async (_name, door) => {
    const recording = new RecordingQueueService();
    recording.willSucceed('mail');
    const queues = recording as unknown as QueueService;
    expect(await stored(queues, door)).toMatchObject(asGiven());
  });

  it('of several calls with one object, each by itself', async () => {
    const { queues } = await story.start({ options: { worker: false } });
    const order = { amount: 0 };
    const calls = [1, 2, 3].map((amount) => queues.enqueue(target, Object.assign(order, { amount }))); // prettier-ignore
    const jobs = await Promise.all(calls.map(async (call) => queues.find((await call).id)));
    expect(jobs.map((job) => job?.payload)).toEqual([1, 2, 3].map((amount) => ({ amount })));
  });
});
