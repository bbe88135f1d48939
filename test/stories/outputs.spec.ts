import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { JobContext } from '../../lib/job/job-context.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { JobTemplate } from '../../lib/job/job-template.js';
import type { Job } from '../../lib/job/job.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { InMemoryJobQueue } from '../../lib/testing/in-memory-job-queue.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

/** Of the event loop. */
const aTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const ONCE: QueueHandlerOptions = { maxAttempts: 1 };
const failing = (message = 'later') => Promise.reject(new Error(message));
const payloads = (count: number) => Array.from({ length: count }, (_, payload) => ({ payload }));
type Jobs = Job<never>[];

function aBatchHandler(process: (jobs: Jobs, context: never) => unknown, queue = 'batch') {
  class TestBatchHandler {
    process(jobs: Jobs, context: never): unknown {
      return process(jobs, context);
    }
  }
  QueueHandler(queue, { ...ONCE, batch: { size: 3, lingerMs: 60_000 } })(TestBatchHandler as never);
  return TestBatchHandler;
}

describe('a promise among what a handler returns', () => {
  const story = aStory();
  const unheard: unknown[] = [];
  const note = (error: unknown) => void unheard.push(error);
  beforeEach(() => void process.on('unhandledRejection', note));
  afterEach(async () => {
    await aTurn();
    process.removeListener('unhandledRejection', note);
    expect(unheard.splice(0)).toEqual([]);
  });

  it.each<[string, (jobs: Jobs, work: (job: Job<never>) => Promise<unknown>) => unknown]>([
    ['in the list of a batch', (jobs, work) => jobs.map(work)],
    ['in the Map of a batch', (jobs, work) => new Map(jobs.map((job) => [job.id, work(job)]))],
    [
      'that no Promise class has made',
      (jobs, work) => jobs.map((job) => ({ then: (...on: []) => work(job).then(...on) })),
    ],
    [
      'beside those of jobs that are not of the batch',
      (jobs, work) =>
        new Map([...jobs.map((job) => [job.id, work(job)] as const), ['other', failing()]]),
    ],
  ])('%s is waited for, and fails its own job alone', async (_, answer) => {
    const gate = aGate();
    const begun = aGate();
    const work = async ({ payload }: Job<never>): Promise<unknown> => {
      if (payload === 2) begun.open();
      await gate.passed;
      if (payload === 1) throw new Error('refused by the bank');
      return payload === 2 ? JobResult.cancel('no longer wanted') : { paid: payload };
    };
    const application = await story.start({ providers: [aBatchHandler((jobs) => answer(jobs, work))] }); // prettier-ignore
    const jobs = await application.queues.enqueueMany('batch', payloads(3));
    await begun.passed;
    for (const { id } of jobs)
      expect(await application.queues.find(id)).toMatchObject({ state: 'running' });

    gate.open();

    const [paid, refused, cancelled] = [jobs[0]!.id, jobs[1]!.id, jobs[2]!.id];
    expect(await untilJobIs('succeeded', application, paid)).toMatchObject({ output: { paid: 0 } });
    expect(await untilJobIs('failed', application, refused)).toMatchObject({
      lastError: { message: 'refused by the bank' },
    });
    await untilJobIs('cancelled', application, cancelled);
  });

  it.each<[string, (jobs: Jobs) => unknown]>([
    ['too few', () => [failing()]],
    ['an object by id', (jobs) => Object.fromEntries(jobs.map(({ id }) => [id, failing()]))],
    ['a Set', () => new Set([failing(), failing(), failing()])],
  ])('of a batch whose results fit no job (%s) ends no process', async (_, answer) => {
    const application = await story.start({ providers: [aBatchHandler(answer)] });
    for (const { id } of await application.queues.enqueueMany('batch', payloads(3)))
      expect(await untilJobIs('failed', application, id)).toMatchObject({
        lastError: { code: 'BATCH_MISMATCH' },
      });
  });

  const promises: [string, () => unknown][] = [
    ['that is kept', () => Promise.resolve(1)],
    ['that fails', () => failing()],
  ];
  const unawaited = { lastError: { code: 'INVALID_OUTPUT', message: /Await it first/ } };
  const isUnawaited = { lastError: { ...unawaited.lastError, message: expect.stringMatching(unawaited.lastError.message) } }; // prettier-ignore

  it.each(promises)('in JobResult.success (%s) fails the attempt', async (_, promise) => {
    const answer = () => JobResult.success(promise());
    const application = await story.start({
      providers: [
        aHandler('one', answer, ONCE),
        aHandler('within', answer, { ...ONCE, transactional: true }),
        aBatchHandler((jobs) => jobs.map(answer)),
        aBatchHandler(answer, 'all'),
      ],
    });
    for (const queue of ['one', 'within', 'batch', 'all'])
      for (const { id } of await application.queues.enqueueMany(queue, payloads(3)))
        expect(await untilJobIs('failed', application, id)).toMatchObject(isUnawaited);
  });

  it.each(promises)('in context.complete (%s) completes nothing', async (_, promise) => {
    const within = { ...ONCE, transactional: true };
    const complete = (_job: Job, context: JobContext) => context.complete(promise());
    const application = await story.start({ providers: [aHandler('within', complete, within)] });
    const { id } = await application.queues.enqueue('within', 1);
    expect(await untilJobIs('failed', application, id)).toMatchObject(isUnawaited);
  });
});

describe('an output', () => {
  const story = aStory();
  const kept = { job: -1 };
  const remember = (job: Job<never>): typeof kept => Object.assign(kept, { job: job.payload });
  /** As a handler that goes on with what it returned. */
  function spoiled<Answer>(answer: Answer, object: { job: unknown }): Answer {
    queueMicrotask(() => queueMicrotask(() => process.nextTick(() => (object.job = 'spoiled'))));
    return answer;
  }

  const within = { ...ONCE, transactional: true };
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value: unknown) => {
        await aTurn();
        const isRight = typeof (value as { job?: unknown } | null)?.job === 'number';
        return isRight ? { value } : { issues: [{ message: 'is no number' }] };
      },
    },
  } as const;
  const Checked = defineJob({ queue: 'checked', output: schema });
  const CheckedWithin = defineJob({ queue: 'checkedWithin', output: schema });
  const templated = (template: JobTemplate, options = ONCE) =>
    aHandler(template as never, (job) => spoiled(...twice({ job: job.payload })), options);
  const twice = <Value>(value: Value): [Value, Value] => [value, value];

  it('is what the handler returned, whatever it does with the object afterwards', async () => {
    const application = await story.start({
      providers: [
        aHandler('one', (job) => spoiled(...twice(remember(job))), ONCE),
        aHandler('result', (job) => {
          const output = { job: job.payload };
          return spoiled(JobResult.success(output), output);
        }, ONCE), // prettier-ignore
        aHandler('within', (job) => spoiled(...twice({ job: job.payload })), within),
        aHandler('completed', async (job, context) => {
          const output = { job: job.payload };
          const completing = context.complete(output);
          output.job = 'spoiled' as never;
          await completing;
        }, within), // prettier-ignore
        aBatchHandler((jobs) => jobs.map((job) => spoiled(...twice({ job: job.payload })))),
        templated(Checked),
        templated(CheckedWithin, within),
      ],
    });
    const { queues } = application;
    for (const queue of [
      'one',
      'result',
      'within',
      'completed',
      'batch',
      'checked',
      'checkedWithin',
    ]) {
      // prettier-ignore
      const jobs = await queues.enqueueMany(queue, payloads(12));
      const ends = await Promise.all(jobs.map(({ id }) => queues.wait(id)));
      expect([queue, ...ends.map(({ output }) => output)]).toEqual([queue, ...jobs.map((_, job) => ({ job }))]); // prettier-ignore
    }
    const told = application.seen('succeeded').filter(({ queue }) => queue !== 'completed');
    for (const { output } of told) expect(output).toEqual({ job: expect.any(Number) });
    expect(application.seen('outputInvalid')).toEqual([]);
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const UNSTORABLE: [string, () => unknown][] = [
    ['a Map', () => new Map([[1, 2]])],
    ['a Map within', () => ({ a: new Map() })],
    ['a Set', () => new Set([1])],
    ['a Promise within', () => ({ a: [Promise.resolve(1)] })],
    ['a Promise within that fails', () => [failing()]],
    ['a bigint', () => 1n],
    ['a bigint within', () => ({ total: 1n })],
    ['NaN', () => NaN],
    ['Infinity within', () => ({ a: [Infinity] })],
    ['bytes', () => Buffer.from('x')],
    ['a view within', () => ({ a: new Uint8Array(1) })],
    ['a function', () => () => 1],
    ['a function within', () => ({ a: () => 1 })],
    ['a symbol within', () => ({ a: Symbol('x') })],
    ['an invalid Date', () => ({ at: new Date(NaN) })],
    ['a cycle', () => circular],
  ];
  const STORABLE: [string, () => unknown][] = [
    ['a Date', () => new Date(0)],
    ['undefined within', () => ({ a: undefined })],
    ['null', () => null],
    ['an empty list', () => []],
    ['an object without a prototype', () => Object.create(null) as object],
  ];

  it('that JSON cannot hold is left out and said so, or refused, by one rule for all ways', async () => {
    const all = [...UNSTORABLE, ...STORABLE].map(([, make]) => make);
    const made = (job: Job<never>) => all[job.payload]!();
    const application = await story.start({
      providers: [
        aHandler('one', made, ONCE),
        aHandler('within', made, within),
        aHandler('completed', (job, context) => context.complete(made(job)), within),
      ],
    });
    for (const queue of ['one', 'within', 'completed'])
      for (const [index, { id }] of (await application.queues.enqueueMany(queue, payloads(all.length))).entries()) // prettier-ignore
        expect(await outputOf(application, id)).toEqual(index < UNSTORABLE.length ? { output: undefined, cut: 1 } : { output: asJson(all[index]!()) ?? undefined, cut: 0 }); // prettier-ignore
    for (const queue of [application.app.get(JobQueue), new InMemoryJobQueue()])
      for (const [name, make] of [...UNSTORABLE, ...STORABLE]) {
        const refused = await refusalOf(queue, make());
        expect([name, refused]).toEqual([name, UNSTORABLE.some(([each]) => each === name) ? 'INVALID_OUTPUT' : undefined]); // prettier-ignore
      }
  });

  const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  async function outputOf(application: TestApplication, id: string) {
    const { output } = await untilJobIs('succeeded', application, id);
    const cut = application.seen('outputCut').filter((event) => event.id === id).length;
    return { output, cut };
  }

  async function refusalOf(queue: JobQueue, output: unknown): Promise<string | undefined> {
    await queue.enqueue('pulled', 1);
    const { leaseId, jobs } = await queue.claim({ workerId: 'w', queues: ['pulled'] });
    const id = jobs[0]!.id;
    try {
      await queue.complete(leaseId, id, output);
      return undefined;
    } catch (error) {
      await queue.complete(leaseId, id);
      return (error as { code: string }).code;
    }
  }

  it('with what jsonb cannot hold is stored with a replacement, and said so', async () => {
    const application = await story.start({ providers: [aHandler('one', () => ({ a: '\0' }))] });
    const { id } = await application.queues.enqueue('one', 1);
    expect(await outputOf(application, id)).toEqual({ output: { a: '\uFFFD' }, cut: 1 });
  });
});
