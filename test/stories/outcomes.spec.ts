import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { constant, custom, exponential, linear } from '../../lib/job/backoff.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { JobState } from '../../lib/job/job-state.js';
import { CriticalError, UnprocessableError } from '../../lib/job/queue.errors.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const AN_HOUR = 3_600_000;
const circle: Record<string, unknown> = {};
circle.self = circle;
const hostile = new Proxy({}, { get: () => { throw new Error('trap'); }, ownKeys: () => { throw new Error('trap'); } }); // prettier-ignore
const thrower = (thrown: unknown): never => {
  throw thrown;
};
const nested = (depth: number): unknown =>
  Array.from({ length: depth }).reduce<unknown>((inner) => [inner], null);

/** Half an hour has passed for a scheduled job. */
const later = (id: string): string =>
  `with job as (
    update simple_queue.job set run_at = statement_timestamp(),
      options = jsonb_set(options, '{rescheduledSince}', to_jsonb((options ->> 'rescheduledSince')::timestamptz - interval '31 minutes'))
    where id = '${id}')
  update simple_queue.scheduled set run_at = statement_timestamp() where id = '${id}'`;

describe('what a handler answers', () => {
  const story = aStory();

  /** One job, run by this handler until it is where it should be. */
  async function runOnce(process: () => unknown, state: JobState, options = {}) {
    const queue = `q${Math.random().toString(36).slice(2)}`;
    const application = await story.start({ providers: [aHandler(queue, process)] });
    const { id } = await application.queues.enqueue(queue, {}, options);
    return { job: await untilJobIs(state, application, id), application, id };
  }

  const untilWaitOf = async (application: TestApplication, id: string): Promise<number> => {
    await untilJobIs('scheduled', application, id);
    const [row] = await story.database.query<{ wait: number }>(
      'select extract(epoch from run_at - statement_timestamp())::float8 * 1000 as wait from simple_queue.job where id = $1',
      [id],
    );
    return row!.wait;
  };

  it.each([
    [
      'JobResult.success',
      (): unknown => JobResult.success({ a: 1 }),
      'succeeded',
      { output: { a: 1 }, attempt: 1 },
    ],
    ['a plain value', () => [1, 'two'], 'succeeded', { output: [1, 'two'] }],
    ['nothing', (): unknown => undefined, 'succeeded', { attempt: 1 }],
    [
      'JobResult.cancel',
      () => JobResult.cancel('order gone'),
      'cancelled',
      { lastError: { message: 'order gone' }, attempt: 0 },
    ],
    [
      'JobResult.cancel with an unstorable reason',
      () => JobResult.cancel('a\0b\ud800'),
      'cancelled',
      {},
    ],
    ['JobResult.cancel(null)', () => JobResult.cancel(null as unknown as string), 'cancelled', {}],
    [
      'JobResult.unprocessable',
      () => JobResult.unprocessable('bad'),
      'unprocessable',
      { attempt: 1, lastError: { message: 'bad' } },
    ],
    [
      'JobResult.critical',
      () => JobResult.critical('broken'),
      'critical',
      { attempt: 1, lastError: { message: 'broken' } },
    ],
    ['JobResult.retryIn', () => JobResult.retryIn(AN_HOUR), 'scheduled', { attempt: 1 }],
    [
      'JobResult.retryAt',
      () => JobResult.retryAt(new Date('2999-01-01')),
      'scheduled',
      { attempt: 1, runAt: new Date('2999-01-01') },
    ],
    [
      'JobResult.rescheduleIn',
      () => JobResult.rescheduleIn(AN_HOUR),
      'scheduled',
      { attempt: 0, reschedules: 1 },
    ],
    [
      'JobResult.rescheduleAt',
      () => JobResult.rescheduleAt(new Date('2999-01-01')),
      'scheduled',
      { attempt: 0 },
    ],
  ] as const)('%s', async (_name, process, state, expected) => {
    expect((await runOnce(process, state)).job).toMatchObject(expected);
  });

  it.each([
    ['an error', new Error('no'), 'failed', { name: 'Error', message: 'no' }],
    ['null', null, 'failed', { name: 'Thrown' }],
    ['undefined', undefined, 'failed', { name: 'Thrown' }],
    ['a text', 'just so', 'failed', { message: 'just so' }],
    ['a circle', circle, 'failed', { name: 'Thrown' }],
    ['a hostile proxy', hostile, 'failed', { name: 'Thrown' }],
    ['unstorable text', new Error('a\0b\ud800c'), 'failed', { message: 'a\ufffdb\ufffdc' }],
    [
      'a text that is cut within a character',
      new Error('x'.repeat(499) + '😀'.repeat(2_000)),
      'failed',
      { name: 'Error' },
    ],
    [
      'UnprocessableError',
      new UnprocessableError('bad'),
      'unprocessable',
      { code: 'UNPROCESSABLE' },
    ],
    ['CriticalError', new CriticalError('broken'), 'critical', { code: 'CRITICAL' }],
  ] as const)('throws %s', async (_name, thrown, state, error) => {
    const { job } = await runOnce(() => thrower(thrown), state, { maxAttempts: 1 });
    expect(job).toMatchObject({
      lastError: error,
      attempt: 1,
      history: [{ attempt: 1, outcome: state }],
    });
  });

  it.each([
    ['a retry in year 275760', () => JobResult.retryAt(new Date(8.64e15))],
    ['a retry in 10^300 ms', () => JobResult.retryIn(1e300)],
    ['a reschedule at no date', () => JobResult.rescheduleAt(new Date(NaN))],
  ])('fails the attempt that asks for %s', async (_name, process) => {
    const { job } = await runOnce(process, 'failed', { maxAttempts: 1 });
    expect(job.lastError).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('keeps a success whose output cannot be stored as it is, and says so', async () => {
    const outputs = [
      circle,
      () => 1,
      'x'.repeat(100_000),
      { text: 'a\0\ud800' },
      10n,
      nested(7_000),
    ];
    const application = await story.start({
      providers: [aHandler('outputs', (job) => outputs[job.payload as number])],
    });

    const jobs = await application.queues.enqueueMany('outputs', outputs.map((_, payload) => ({ payload }))); // prettier-ignore

    for (const { id } of jobs) await untilJobIs('succeeded', application, id);
    expect(application.seen('outputCut').length).toBeGreaterThanOrEqual(3);
    await eventually(() => expect(application.seen('succeeded').length).toBe(outputs.length));
  });

  it('settles at the timeout, tells the handler why, and keeps its permit until it has truly returned', async () => {
    const gate = aGate();
    const reasons: unknown[] = [];
    let running = 0;
    let most = 0;
    const handler = aHandler(
      'slow',
      async (job, { signal }) => {
        most = Math.max(most, ++running);
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        if ((job.payload as { slow: boolean }).slow) await gate.passed;
        running--;
      },
      { concurrency: 1, timeoutMs: 50, maxAttempts: 1 },
    );
    const application = await story.start({ providers: [handler] });
    const slow = await application.queues.enqueue('slow', { slow: true });
    const next = await application.queues.enqueue('slow', { slow: false });

    const job = await untilJobIs('failed', application, slow.id);
    expect(job.lastError).toMatchObject({ code: 'JOB_TIMEOUT' });
    expect(reasons).toMatchObject([{ code: 'JOB_TIMEOUT' }]);
    expect((await application.queues.find(next.id))?.state).not.toBe('succeeded');
    gate.open();

    await untilJobIs('succeeded', application, next.id);
    expect(most).toBe(1);
    expect((await application.queues.find(slow.id))?.state).toBe('failed');
  });

  it('ends in the dead letter queue after its attempts, with the history of all of them', async () => {
    let run = 0;
    const process = () => Promise.reject(new TypeError(`run ${++run}`));
    const options = { maxAttempts: 3, backoff: constant({ delayMs: 0 }) };
    const { job, application } = await runOnce(process, 'failed', options);

    expect(job).toMatchObject({ attempt: 3, lastError: { name: 'TypeError', message: 'run 3' } });
    expect(job.history).toMatchObject([
      { attempt: 1, outcome: 'retried', error: { name: 'TypeError', message: 'run 1' } },
      { attempt: 2, outcome: 'retried', error: { message: 'run 2' } },
      { attempt: 3, outcome: 'failed', error: { message: 'run 3' } },
    ]);
    expect(application.seen('retried')).toMatchObject([
      { attempt: 1, maxAttempts: 3, again: { delayMs: 0 } },
      { attempt: 2, maxAttempts: 3, again: { delayMs: 0 } },
    ]);
    expect(
      await story.database.query('select state from simple_queue.dead_letter where id = $1', [
        job.id,
      ]),
    ).toEqual([{ state: 'failed' }]);
  });

  it('keeps the last 20 lines of a long history', async () => {
    const { job } = await runOnce(() => JobResult.retryIn(0), 'failed', { maxAttempts: 25 });

    expect(job.history.map((line) => line.attempt)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 6),
    );
  });

  it('ends a job that reschedules itself for longer than it may as expired, after a retry as well, and gives it all its time when it is run again', async () => {
    let done = false;
    const application = await story.start({
      options: { rescheduleForMs: '1 h', backoff: constant({ delayMs: 0 }) },
      providers: [
        aHandler('poll', (job) => {
          if (done) return undefined;
          return job.reschedules === 2 && job.attempt === 1 ? JobResult.retryIn(0) : JobResult.rescheduleIn(AN_HOUR / 2); // prettier-ignore
        }),
      ],
    });
    const { queues } = application;
    const { id } = await queues.enqueue('poll', {});

    for (const reschedules of [1, 2]) {
      await eventually(async () => expect(await queues.find(id)).toMatchObject({ state: 'scheduled', reschedules })); // prettier-ignore
      await story.database.query(later(id));
    }

    const job = await untilJobIs('expired', application, id);
    expect(job).toMatchObject({
      ...{ reschedules: 2, attempt: 1 },
      lastError: { code: 'RESCHEDULE_EXPIRED', message: expect.stringContaining('3600000 ms') },
      history: [{ outcome: 'retried' }, { outcome: 'expired' }],
    });
    await eventually(() => expect(application.seen('failed')).toMatchObject([{ id, state: 'expired' }])); // prettier-ignore

    // What ended so was committed long before.
    expect(await queues.commit(id)).toEqual({ outcome: 'committed', won: false, state: 'expired' });

    await application.app.get(QueueAdmin, { strict: false }).retry(id);
    await eventually(async () => expect(await queues.find(id)).toMatchObject({ state: 'scheduled', reschedules: 1 })); // prettier-ignore
    done = true;
    await story.database.query(later(id));
    await untilJobIs('succeeded', application, id);
  });

  it('lets no job reschedule itself where the time for that is 0', async () => {
    const application = await story.start({
      options: { rescheduleForMs: 0 },
      providers: [aHandler('never', () => JobResult.rescheduleIn(0))],
    });
    const { id } = await application.queues.enqueue('never', {});

    expect(await untilJobIs('expired', application, id)).toMatchObject({ reschedules: 0 });
  });

  it('rests by the backoff of the job, else handler, else queue, else module', async () => {
    const failing = () => Promise.reject(new Error('no'));
    const application = await story.start({
      options: {
        backoff: constant({ delayMs: AN_HOUR }),
        queues: {
          'by-queue': { backoff: linear({ delayMs: 2 * AN_HOUR }) },
          'by-handler': { backoff: constant({ delayMs: 1 }) },
        },
      },
      providers: [
        aHandler('by-module', failing),
        aHandler('by-queue', failing),
        aHandler('by-handler', failing, {
          backoff: custom((attempt, error) => (error instanceof Error ? attempt * 3 * AN_HOUR : 0)),
        }),
        aHandler('by-job', failing, { backoff: constant({ delayMs: 1 }) }),
      ],
    });
    const { queues } = application;
    const stored = { backoff: exponential({ baseMs: 4 * AN_HOUR, maxMs: 9 * AN_HOUR, jitter: 0 }) };
    const wants = { 'by-module': 1, 'by-queue': 2, 'by-handler': 3, 'by-job': 4 };

    for (const [queue, hours] of Object.entries(wants)) {
      const { id } = await queues.enqueue(queue, {}, queue === 'by-job' ? stored : {});
      const wait = await untilWaitOf(application, id);
      expect(wait).toBeGreaterThan((hours - 0.1) * AN_HOUR);
      expect(wait).toBeLessThanOrEqual(hours * AN_HOUR);
    }
  });

  it('settles every answer beside the others, each once', async () => {
    const answers = [
      () => 'fine',
      () => JobResult.fail('no'),
      () => JobResult.cancel(),
      () => JobResult.critical('no'),
      () => JobResult.unprocessable('no'),
    ];
    const handler = aHandler('mixed', (job) => answers[(job.payload as number) % 5]!(), {
      maxAttempts: 1,
    });
    const application = await story.start({ providers: [handler] });

    await application.queues.enqueueMany('mixed', Array.from({ length: 500 }, (_, payload) => ({ payload }))); // prettier-ignore

    await eventually(() => {
      expect(application.seen('succeeded').length).toBe(100);
      expect(application.seen('failed').length).toBe(300);
      expect(application.seen('cancelled').length).toBe(100);
    });
  });
});
