// What must and must not compile of injected queues: checked by `npm run types`, never run.
import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import {
  defineJob,
  getQueueToken,
  InjectQueue,
  Job,
  Queue,
  QueueHandler,
  SimpleQueueModule,
  type Enqueued,
  type FoundJob,
  type JobEnd,
  type JobHandler,
  type QueueOf,
  type QueueService,
} from '../../lib/index.js';

const moment = z.iso.datetime().transform((text) => new Date(text));
const Receipts = defineJob({
  queue: 'receipts',
  payload: z.object({ due: moment }),
  output: z.object({ sentAt: moment }),
});
const Plain = defineJob<{ orderId: number }, { messageId: string }>()({ queue: 'plain' });

expectTypeOf<QueueOf<typeof Receipts>>().toEqualTypeOf<
  Queue<{ due: string }, { sentAt: Date }, { due: Date }>
>();
expectTypeOf<QueueOf<typeof Plain>>().toEqualTypeOf<
  Queue<{ orderId: number }, { messageId: string }>
>();
expectTypeOf<QueueOf<'audit'>>().toEqualTypeOf<Queue>();
expectTypeOf(getQueueToken(Receipts, 'reports')).toEqualTypeOf<string>();
SimpleQueueModule.forFeature([Receipts, Plain, 'audit'], 'reports');
// @ts-expect-error a queue is named by a template or a string
SimpleQueueModule.forFeature([{ name: 'receipts' }]);

export class Service {
  @InjectQueue('audit', 'reports')
  readonly audit!: Queue;

  constructor(
    @InjectQueue(Receipts) private readonly receipts: QueueOf<typeof Receipts>,
    @InjectQueue(Plain) private readonly plain: Queue<{ orderId: number }, { messageId: string }>,
    // @ts-expect-error a queue is named by a template or a string
    @InjectQueue(5) readonly wrong: Queue,
  ) {}

  async use(queues: QueueService): Promise<void> {
    expectTypeOf(
      await this.receipts.enqueue({ due: '' }, { delayMs: 5 }),
    ).toEqualTypeOf<Enqueued>();
    expectTypeOf(await this.receipts.find('')).toEqualTypeOf<
      FoundJob<{ due: Date }, { sentAt: Date }> | undefined
    >();
    expectTypeOf(await this.receipts.wait('', { timeoutMs: 5 })).toEqualTypeOf<
      JobEnd<{ sentAt: Date }>
    >();
    expectTypeOf(await this.plain.enqueueAndWait({ orderId: 1 })).toEqualTypeOf<
      JobEnd<{ messageId: string }>
    >();
    await this.plain.enqueueMany([{ payload: { orderId: 1 }, uniqueKey: '' }]);
    await this.audit.enqueue('anything');
    expectTypeOf(new Queue(queues, Receipts)).toEqualTypeOf<QueueOf<typeof Receipts>>();
    expectTypeOf(new Queue<string>(queues, 'audit')).toEqualTypeOf<Queue<string>>();

    // @ts-expect-error what is enqueued is what the schema takes, not what it makes
    await this.receipts.enqueue({ due: new Date() });
    // @ts-expect-error another payload than the template's
    await this.plain.enqueueMany([{ payload: { orderId: 1 } }, { payload: {} }]);
    // @ts-expect-error the queue is this one
    await this.plain.cancel({ uniqueKey: 'x', queue: 'other' });
    const manager = undefined as never as import('typeorm').EntityManager;
    // @ts-expect-error a job in a transaction cannot be waited for in it
    await this.plain.enqueueAndWait({ orderId: 1 }, { manager });
  }
}

@QueueHandler((handler: Configured) => handler.queue, { concurrency: 5 })
export class Configured implements JobHandler<string> {
  readonly queue: string = 'mail';
  process(job: Job<string>): Promise<void> {
    return Promise.resolve(void job);
  }
}

// @ts-expect-error the name is a string
@QueueHandler((handler: WrongName) => handler.queue)
export class WrongName {
  readonly queue = 5;
  process(): void {}
}

// @ts-expect-error the name is asked of another class
@QueueHandler((handler: Configured) => handler.queue)
export class OtherClass {
  process(): void {}
}
