import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from 'typeorm';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { ContextCarrier } from '../../lib/job/context-carrier.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import type { Job } from '../../lib/job/job.js';
import type { AnySchema } from '../../lib/job/values/standard-schema.js';
import type { Telemetry } from '../../lib/observability/telemetry.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { aStory, untilJobIs } from '../support/story.js';

/** Of the event loop. */
const aTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const failing = () => Promise.reject(new Error('later'));
const PRODUCER = { worker: false } as const;

/** Rejections that nobody heard: each of them would end the process. */
function heardRejections(): void {
  const unheard: unknown[] = [];
  const note = (error: unknown) => void unheard.push(error);
  beforeEach(() => void process.on('unhandledRejection', note));
  afterEach(async () => {
    await aTurn();
    process.removeListener('unhandledRejection', note);
    expect(unheard.splice(0)).toEqual([]);
  });
}

describe('the option "transaction"', () => {
  const story = aStory();
  heardRejections();
  const surroundings = new AsyncLocalStorage<EntityManager>();
  const tx = () => surroundings.getStore();
  const started = (transaction: () => unknown) =>
    story.start({ options: { ...PRODUCER, transaction: transaction as never } });
  const rolledBack = ({ dataSource }: TestApplication, work: () => Promise<unknown>) =>
    dataSource.transaction((manager) =>
      surroundings.run(manager, async () => {
        await work();
        throw new Error('rolled back');
      }),
    );
  const stored = () => story.database.query('select from simple_queue.job');

  it.each<[string, () => unknown]>([
    ['a promise of it', async () => tx()],
    ['a promise that fails', failing],
    ['an object around it', () => ({ tx: tx() })],
    ['its DataSource', () => tx()?.connection],
    ['null', () => null],
    ['a number', () => 5],
    ['a text', () => 'transaction'],
    ['a function', () => tx],
    ['true', () => true],
    ['false', () => false],
    ['an empty object', () => ({})],
  ])('that returns %s stores nothing outside the transaction', async (_, transaction) => {
    const application = await started(transaction);
    const { queues } = application;
    const calls: (() => Promise<unknown>)[] = [
      () => queues.enqueue('mail', 1),
      () => queues.enqueueMany('mail', [{ payload: 1 }]),
      () => queues.enqueueAndWait('mail', 1),
      () => queues.cancel({ fingerprint: 'x' }),
      () => queues.find(crypto.randomUUID()),
      () => queues.commit(crypto.randomUUID()),
    ];
    for (const call of calls)
      await expect(rolledBack(application, call)).rejects.toEqual(
        refusal('INVALID_OPTION', /option "transaction" returned .*undefined/),
      );
    expect(await stored()).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['the manager', tx],
    ['its query runner', () => tx()?.queryRunner],
  ])('that returns %s joins it, and says none by undefined', async (_, transaction) => {
    const application = await started(transaction);
    const enqueue = () => application.queues.enqueue('mail', 1);
    await expect(rolledBack(application, enqueue)).rejects.toThrow('rolled back');
    expect(await stored()).toEqual([]);
    await enqueue();
    expect(await stored()).toHaveLength(1);
    await story.database.query('truncate simple_queue.job, simple_queue.ready');
  });
});

describe('a schema', () => {
  const story = aStory();
  heardRejections();
  const schema = (answer: () => unknown): AnySchema => ({
    '~standard': { version: 1, vendor: 'test', validate: answer as never },
  });

  it.each<[string, unknown]>([
    ['true', true],
    ['false', false],
    ['a text', 'ok'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object with neither value nor issues', {}],
    ['issues that are no list', { issues: 'bad' }],
    ['issues: true', { issues: true, value: 1 }],
    ['a function', () => ({ value: 1 })],
    ['a list', [1]],
  ])('that answers %s has not said that the payload fits', async (_, answer) => {
    const { queues } = await story.start({ options: PRODUCER });
    for (const answers of [() => answer, async () => answer]) {
      const template = defineJob({ queue: 'mail', payload: schema(answers) });
      const refused = refusal(
        'INVALID_PAYLOAD',
        /payload schema of mail threw an error; see the cause/,
      );
      await expect(queues.enqueue(template, {})).rejects.toEqual(refused);
      await expect(queues.enqueueMany(template, [{ payload: {} }])).rejects.toEqual(
        refusal('INVALID_PAYLOAD', /^Item 0: /),
      );
    }
    expect(await story.database.query('select from simple_queue.job')).toEqual([]);
  });

  it('that answers junk to a worker fails the attempt, of an output it is reported', async () => {
    const Mail = defineJob({ queue: 'mail', payload: schema(() => true) });
    const Letters = defineJob({ queue: 'letters', output: schema(() => true) });
    const called: unknown[] = [];
    const process = (job: Job) => void called.push(job.queue);
    const once = { maxAttempts: 1 };
    const handler = (template: never) => aHandler(template, process, once);
    const application = await story.start({
      providers: [handler(Mail as never), handler(Letters as never)],
    });
    const { queues } = application;

    const mail = await queues.enqueue('mail', {});
    const letter = await queues.enqueue('letters', {});

    expect((await untilJobIs('failed', application, mail.id)).lastError).toMatchObject({
      message: expect.stringContaining('The schema returned a value of type boolean'),
    });
    await untilJobIs('succeeded', application, letter.id);
    expect(called).toEqual(['letters']);
    expect(application.seen('outputInvalid')).toMatchObject([{ id: letter.id }]);
    await expect(queues.find(letter.id, { as: Letters })).rejects.toThrow(
      'The schema returned a value of type boolean',
    );
  });
});

describe('acquire()', () => {
  const story = aStory();
  heardRejections();

  function aHandlerThatAsks(acquire: () => unknown, options: QueueHandlerOptions) {
    const called: unknown[] = [];
    class TestHandler {
      acquire(): unknown {
        return acquire();
      }
      process(): void {
        called.push(true);
      }
    }
    QueueHandler('videos', { maxAttempts: 1, ...options })(TestHandler);
    return { provider: TestHandler, called };
  }

  describe.each<[string, QueueHandlerOptions]>([
    ['of one job', {}],
    ['of a batch', { batch: { size: 2 } }],
    ['in a transaction', { transactional: true }],
  ])('%s', (_, options) => {
    it.each<[string, () => unknown]>([
      ['nothing', () => undefined],
      ['null', () => null],
      ['true', () => true],
      ['false', () => false],
      ['a number', () => 2],
      ['what only looks like a permit', () => ({ release: () => undefined })],
      ['a promise of nothing', async () => undefined],
      ['a promise that fails', failing],
    ])('that returns %s fails the attempt, which says so', async (_name, acquire) => {
      const { provider, called } = aHandlerThatAsks(acquire, options);
      const application = await story.start({ providers: [provider] });

      const { id } = await application.queues.enqueue('videos', 1);

      const { lastError } = await untilJobIs('failed', application, id);
      expect(lastError?.message).toMatch(/acquire\(\) of .*TestHandler.* returned|^later$/);
      expect(called).toEqual([]);
    });
  });
});

describe('perKey.by', () => {
  const story = aStory();
  heardRejections();

  it.each<[string, () => unknown]>([
    ['a promise', async () => 'tenant'],
    ['a promise that fails', failing],
    ['an object', () => ({})],
  ])('that gives %s stores nothing', async (_, by) => {
    const perKey = { by: by as () => string, concurrency: 1 };
    const { queues } = await story.start({
      options: { ...PRODUCER, queues: { mail: { perKey } } },
    });
    const refused = refusal('LIMIT_KEY_INVALID', /Nothing was stored/);
    await expect(queues.enqueue('mail', 1)).rejects.toEqual(refused);
    expect(await story.database.query('select from simple_queue.job')).toEqual([]);
  });
});

describe('what stands around an enqueue', () => {
  const story = aStory();
  heardRejections();

  it.each<[string, () => unknown]>([
    ['a promise', async () => ({ tenant: 'a' })],
    ['a promise that fails', failing],
    ['a Map', () => new Map([['tenant', 'a']])],
    ['a value that is no text', () => ({ tenant: 5 })],
    ['null', () => null],
    ['true', () => true],
  ])('a carrier that captures %s stores nothing', async (_, capture) => {
    const carrier = { capture, restore: (_job: Job, next: () => Promise<void>) => next() };
    const { queues } = await story.start({
      options: { ...PRODUCER, carriers: [carrier as ContextCarrier] },
    });
    await expect(queues.enqueue('mail', 1)).rejects.toEqual(
      refusal('CONTEXT_INVALID', /nothing was stored/),
    );
  });

  it.each<[string, unknown]>([
    ['a value that is no text', { traceparent: 5 }],
    ['a text that PostgreSQL cannot hold', { traceparent: 'a\0b' }],
    ['a promise', Promise.resolve({ traceparent: 'a' })],
    ['a promise that fails', undefined],
    ['a text', 'traceparent'],
    ['null', null],
    ['a Map', new Map([['traceparent', 'a']])],
  ])('telemetry that gives %s as headers costs only these', async (name, given) => {
    const headers = name === 'a promise that fails' ? failing() : given;
    const telemetry: Telemetry = {
      start: () => () => undefined,
      enqueue: (_call, next) => next(headers as never),
    };
    const { queues } = await story.start({ options: { ...PRODUCER, telemetry } });
    const { id } = await queues.enqueue('mail', 1, { headers: { own: 'kept' } });
    expect((await queues.find(id))?.headers).toEqual({ own: 'kept' });
  });
});
