import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { constant } from '../../lib/job/backoff.js';
import type { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { BatchHandler, BatchResult } from '../../lib/job/job-handler.js';
import type { Job } from '../../lib/job/job.js';
import { Permit } from '../../lib/job/permit.js';
import type { StandardSchema } from '../../lib/job/values/standard-schema.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

const datetime = z.iso.datetime().transform((text) => new Date(text));
const Receipts = defineJob({
  queue: 'receipts',
  name: 'send',
  payload: z.object({ orderId: z.number(), due: datetime }),
  output: z.object({ sentAt: datetime }),
  defaults: { maxAttempts: 2, backoff: constant({ delayMs: 0 }) },
});
const Copies = defineJob({
  queue: 'receipts',
  name: 'copy',
  payload: z.object({ copies: z.number() }),
});
const Nameless = defineJob<{ n: number }, number>()({ queue: 'receipts' });
const DUE = '2030-01-01T00:00:00.000Z';

let seen: unknown[] = [];

@QueueHandler(Receipts)
class SendReceipt {
  acquire(job: Job<{ due: Date }>): Permit {
    seen.push(job.payload.due);
    return Permit.free;
  }

  process(job: Job<{ orderId: number; due: Date }>): { sentAt: string } {
    seen.push(job.payload);
    if (job.payload.orderId < 0) throw new Error('no such order');
    return { sentAt: job.payload.due.toISOString() };
  }
}

@QueueHandler('receipts')
class OtherReceipts {
  @HandleJob(Copies)
  copy(job: Job<{ copies: number }>): number {
    return job.payload.copies * 2;
  }

  process(job: Job<unknown>): { rest: unknown } {
    return { rest: job.payload };
  }
}

@QueueHandler(Nameless)
class WithoutName {
  process(job: Job<{ n: number }>): number {
    return job.payload.n + 1;
  }
}

describe('job templates', () => {
  const story = aStory();
  const start = (...providers: (new () => object)[]) => {
    seen = [];
    return story.start({ providers });
  };

  it('give the handler the parsed payload, and keep what was given', async () => {
    const application = await start(SendReceipt);
    const { queues } = application;
    const { id } = await queues.enqueue(Receipts, { orderId: 5, due: DUE });

    const job = await untilJobIs('succeeded', application, id);

    expect(seen).toEqual([new Date(DUE), { orderId: 5, due: new Date(DUE) }]);
    expect(job).toMatchObject({
      name: 'send',
      maxAttempts: 2,
      payload: { orderId: 5, due: DUE },
      output: { sentAt: DUE },
    });
    expect(await queues.find(id, { as: Receipts })).toMatchObject({
      payload: { due: new Date(DUE) },
      output: { sentAt: new Date(DUE) },
    });
    await expect(queues.find(id, { as: Copies })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(queues.find(id, { as: {} as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('store nothing of a call whose payload does not fit, alone or among many', async () => {
    const { queues } = await start();
    const bad = { orderId: 5, due: 'tomorrow' };

    await expect(queues.enqueue(Receipts, bad)).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' });
    await expect(
      queues.enqueueMany(Receipts, [{ payload: { orderId: 1, due: DUE } }, { payload: bad }]),
    ).rejects.toThrow(/^Item 1: /);

    expect(
      await story.database.query(
        `select from simple_queue.jobs where queue = 'receipts' and state = 'ready'`,
      ),
    ).toEqual([]);
  });

  it('end a stored payload that no longer fits as unprocessable, without a retry and without a run', async () => {
    const application = await start(SendReceipt);
    const { id } = await application.queues.enqueue(
      'receipts',
      { orderId: 'five' },
      { name: 'send', maxAttempts: 9 },
    );

    const job = await untilJobIs('unprocessable', application, id);

    expect(job).toMatchObject({
      attempt: 1,
      payload: { orderId: 'five' },
      lastError: { code: 'UNPROCESSABLE' },
    });
    expect(job.lastError?.message).toMatch(
      /stored payload does not fit the schema of receipts\/send: orderId: .*; due: /,
    );
    expect(seen).toEqual([]);
    await expect(application.queues.find(id, { as: Receipts })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
  });

  it('retry by the defaults of the template; the payload is parsed anew for each run', async () => {
    const application = await start(SendReceipt);
    const { id } = await application.queues.enqueue(Receipts, { orderId: -1, due: DUE });

    expect(await untilJobIs('failed', application, id)).toMatchObject({
      attempt: 2,
      maxAttempts: 2,
    });
    expect(seen.filter((value) => value instanceof Date)).toHaveLength(2);
  });

  it("let the call's word win over the template's, and the template's over the handler's", async () => {
    const Once = defineJob({ queue: 'once', defaults: { maxAttempts: 1 } });
    QueueHandler(Once, { maxAttempts: 3, backoff: constant({ delayMs: 0 }) })(Failing);
    const application = await start(Failing);

    const once = await application.queues.enqueue(Once, {});
    const twice = await application.queues.enqueue(Once, {}, { maxAttempts: 2 });

    expect(await untilJobIs('failed', application, once.id)).toMatchObject({ attempt: 1 });
    expect(await untilJobIs('failed', application, twice.id)).toMatchObject({ attempt: 2 });
  });

  it('share a queue: each handler gets the jobs of its template, the one of the queue all others', async () => {
    const application = await start(SendReceipt, OtherReceipts, WithoutName);
    const { queues } = application;

    const copy = await queues.enqueue(Copies, { copies: 2 });
    const nameless = await queues.enqueue(Nameless, { n: 1 });
    const other = await queues.enqueue('receipts', 'anything', { name: 'unheard-of' });

    expect(await untilJobIs('succeeded', application, copy.id)).toMatchObject({ output: 4 });
    expect(await untilJobIs('succeeded', application, nameless.id)).toMatchObject({
      output: 2,
      name: '',
    });
    expect(await untilJobIs('succeeded', application, other.id)).toMatchObject({
      output: { rest: 'anything' },
    });
  });

  it.each<[string, (job: Job, context: JobContext) => unknown, object]>([
    ['an answer', () => ({ sentAt: 5 }), { sentAt: 5 }],
    ['a result', () => JobResult.success({ sentAt: 5 }), { sentAt: 5 }],
    [
      'a completion',
      async (_, context) => context.complete({ sentAt: 5 }, { manager: context.manager }),
      { sentAt: 5 },
    ],
  ])(
    'store %s that does not fit as it is, and say so: the effect is done',
    async (_, answer, output) => {
      const Loose = defineJob({ queue: 'loose', output: z.object({ sentAt: datetime }) });
      class LooseHandler {
        process(job: Job, context: JobContext): Promise<{ sentAt: string }> {
          return Promise.resolve(answer(job, context)) as Promise<{ sentAt: string }>;
        }
      }
      QueueHandler(Loose, { transactional: true })(LooseHandler);
      const application = await start(LooseHandler);

      const { id } = await application.queues.enqueue(Loose, {});

      expect(await untilJobIs('succeeded', application, id)).toMatchObject({ attempt: 1, output });
      expect(application.seen('outputInvalid')).toMatchObject([
        { id, queue: 'loose', problem: expect.stringMatching(/^sentAt: /) },
      ]);
      await expect(application.queues.find(id, { as: Loose })).rejects.toMatchObject({
        code: 'INVALID_OUTPUT',
      });
      await expect(application.queues.wait(id, { as: Loose })).rejects.toMatchObject({
        code: 'INVALID_OUTPUT',
      });
    },
  );

  it('parse each job of a batch alone, look at each output alone, and end alone what does not fit', async () => {
    const calls: unknown[][] = [];
    class Batched implements BatchHandler<{ orderId: number; due: Date }, { sentAt: string }> {
      process(jobs: Job<{ orderId: number; due: Date }>[]): BatchResult<{ sentAt: string }>[] {
        calls.push(jobs.map(({ payload }) => payload));
        return jobs.map(({ payload: { orderId, due } }) =>
          orderId < 0
            ? new Error('no such order')
            : { sentAt: orderId === 0 ? 'never' : due.toISOString() },
        );
      }
    }
    QueueHandler(Receipts, { batch: { size: 10 } })(Batched);
    const { queues } = await story.start({ options: { worker: false } });
    const given = [{ orderId: 1, due: DUE }, { orderId: 'two', due: DUE }, { orderId: 0, due: DUE }, { orderId: -1, due: DUE }]; // prettier-ignore
    const items = given.map((payload) => ({ payload, name: 'send', maxAttempts: 1 }));
    const ids = (await queues.enqueueMany('receipts', items)).map(({ id }) => id);

    const application = await start(Batched);

    expect(await untilJobIs('succeeded', application, ids[0]!)).toMatchObject({
      output: { sentAt: DUE },
    });
    expect(await untilJobIs('unprocessable', application, ids[1]!)).toMatchObject({
      attempt: 1,
      lastError: {
        message: expect.stringMatching(/does not fit the schema of receipts\/send: orderId/),
      },
    });
    expect(await untilJobIs('succeeded', application, ids[2]!)).toMatchObject({
      output: { sentAt: 'never' },
    });
    expect(application.seen('outputInvalid')).toMatchObject([
      { id: ids[2], problem: expect.stringMatching(/^sentAt: /) },
    ]);
    expect(await untilJobIs('failed', application, ids[3]!)).toMatchObject({
      lastError: { message: 'no such order' },
    });
    expect(calls).toEqual([[1, 0, -1].map((orderId) => ({ orderId, due: new Date(DUE) }))]);
  });

  it('fail the attempt, and no more, when the schema itself fails before work', async () => {
    let isAway = false;
    const validate = async (value: unknown) =>
      isAway ? Promise.reject(new Error('no network')) : { value: String(value) };
    const Remote = defineJob({
      queue: 'remote',
      payload: {
        '~standard': { version: 1, vendor: 'test', validate },
      } satisfies StandardSchema<string>,
      defaults: { backoff: constant({ delayMs: 20 }), maxAttempts: 1_000 },
    });
    class RemoteHandler {
      process = () => 'done';
    }
    QueueHandler(Remote)(RemoteHandler);
    const application = await start(RemoteHandler);
    const { id } = await application.queues.enqueue(Remote, 'x', { delayMs: 3_600_000 });
    isAway = true;
    await application.queues.change(id, { delayMs: 0 });
    await eventually(() => expect(application.seen('retried').length).toBeGreaterThan(0));
    isAway = false;
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 'done' });
  });
});

class Failing {
  process(): never {
    throw new Error('fails');
  }
}
