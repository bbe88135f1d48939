import { runInNewContext } from 'node:vm';
import type { Provider } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { constant, custom } from '../../lib/job/backoff.js';
import type { ContextCarrier } from '../../lib/job/context-carrier.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler } from '../support/application.js';
import { aSecondCopy } from '../support/second-copy.js';
import { aStory, untilJobIs } from '../support/story.js';

const trap = (): never => {
  throw new Error('trap');
};
const everyTrap = Object.fromEntries(['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor'].map((name) => [name, trap])); // prettier-ignore
const throwing = (field: string): Error =>
  Object.defineProperty(new Error('as it was'), field, { get: trap });

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const HOSTILE: [string, unknown][] = [
  ['a proxy with every trap', new Proxy({}, everyTrap)],
  ['a proxy of an error', new Proxy(new Error('no'), everyTrap)],
  ['a proxy of a function', new Proxy(() => undefined, everyTrap)],
  ['a revoked proxy', revoked()],
  ['an object that cannot be a text', { [Symbol.toPrimitive]: trap, toString: trap, toJSON: trap }],
  ...['name', 'message', 'stack', 'cause', 'errors', 'code', 'getResponse'].map(
    (field): [string, unknown] => [`an error whose ${field} throws`, throwing(field)],
  ),
  ['an error caused by a revoked proxy', new Error('no', { cause: revoked() })],
];

const ONCE: QueueHandlerOptions = { maxAttempts: 1 };

/** A handler with a method of its own to ask before each job, and one that takes ten jobs. */
function aHandlerWith(queue: string, methods: object, options: QueueHandlerOptions): Provider {
  class TestHandler {
    process(): void {}
  }
  Object.assign(TestHandler.prototype, methods);
  QueueHandler(queue, options)(TestHandler);
  return TestHandler;
}

describe('whatever is thrown', () => {
  const story = aStory();
  const all = HOSTILE.map((_, payload) => ({ payload }));
  const thrown = (job: Job): never => {
    throw HOSTILE[job.payload as number]![1];
  };
  const asked = [...HOSTILE.keys()];

  it.each<[string, Provider, object]>([
    ['a handler', aHandler('ends', thrown, ONCE), {}],
    ['a handler in a transaction', aHandler('ends', thrown, { ...ONCE, transactional: true }), {}],
    [
      'a handler with a rule for its rests',
      aHandler('ends', thrown, { ...ONCE, backoff: custom(trap) }),
      {},
    ],
    ['acquire', aHandlerWith('ends', { acquire: thrown }, ONCE), {}],
    [
      'acquire of a batch',
      aHandlerWith('ends', { acquire: thrown }, { ...ONCE, batch: { size: 4 } }),
      {},
    ],
    [
      'a batch',
      aHandlerWith(
        'ends',
        { process: ([job]: Job[]) => thrown(job!) },
        { ...ONCE, batch: { size: 1 } },
      ),
      {},
    ],
    ['a carrier', aHandler('ends', trap, ONCE), { carriers: [{ capture: () => ({}), restore: (job: Job) => thrown(job) }] satisfies ContextCarrier[] }], // prettier-ignore
  ])('by %s ends its run', async (_, provider, options) => {
    const application = await story.start({ providers: [provider], options });
    const jobs = await application.queues.enqueueMany('ends', all);
    for (const index of asked) {
      const job = await untilJobIs('failed', application, jobs[index]!.id);
      expect(typeof job.lastError?.message).toBe('string');
    }
  });

  it('as the result of one job of a batch touches no other', async () => {
    const process = (jobs: Job[]): unknown[] =>
      jobs.map((job) => (job.payload === 'fine' ? 'fine' : throwing('message')));
    const provider = aHandlerWith(
      'mixed',
      { process },
      { ...ONCE, batch: { size: 3, lingerMs: 50 } },
    );
    const application = await story.start({ providers: [provider] });
    const jobs = await application.queues.enqueueMany('mixed', ['fine', 'hostile', 'fine'].map((payload) => ({ payload }))); // prettier-ignore
    await untilJobIs('succeeded', application, jobs[0]!.id);
    await untilJobIs('failed', application, jobs[1]!.id);
    await untilJobIs('succeeded', application, jobs[2]!.id);
  });

  it('by a rule for rests, at once or later, leaves the process alone and rests as by default', async () => {
    const rules = [
      trap,
      () => Promise.reject(new Error('late')),
      () => revoked(),
      () => '5',
      () => NaN,
      () => new Date(),
    ];
    const application = await story.start({
      providers: rules.map((rule, n) =>
        aHandler(`rule${n}`, trap, { backoff: custom(rule as never) }),
      ),
    });
    for (const [n] of rules.entries()) {
      const { id } = await application.queues.enqueue(`rule${n}`, {});
      const { runAt, createdAt } = await untilJobIs('scheduled', application, id);
      const restMs = runAt.getTime() - createdAt.getTime();
      expect(restMs).toBeGreaterThan(4_000);
      expect(restMs).toBeLessThan(60_000);
    }
  });
});

describe('the reason of an error', () => {
  const story = aStory();

  it('is kept at every depth, with the errors of an aggregate, of any realm', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
    });
    const several = new AggregateError(
      [refused, runInNewContext('new RangeError("of a realm")')],
      '',
    );
    const error = new TypeError('fetch failed', {
      cause: new Error('in between', { cause: several }),
    });
    const application = await story.start({
      providers: [aHandler('fetching', () => Promise.reject(error), ONCE)],
    });
    const { id } = await application.queues.enqueue('fetching', {});

    const { lastError } = await untilJobIs('failed', application, id);

    expect(lastError).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    expect(lastError?.causes).toEqual([
      { name: 'Error', message: 'in between' },
      { name: 'AggregateError', message: '' },
      { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:1', code: 'ECONNREFUSED' },
      { name: 'RangeError', message: 'of a realm' },
    ]);
  });

  it('of another realm is an error like any, thrown or as the result of a batch', async () => {
    const foreign = runInNewContext(
      'new TypeError("of a realm", { cause: new Error("why") })',
    ) as Error;
    const batch = aHandlerWith(
      'realms',
      { process: (jobs: Job[]) => jobs.map(() => foreign) },
      { ...ONCE, batch: { size: 2 } },
    );
    const application = await story.start({
      providers: [batch, aHandler('realm', () => Promise.reject(foreign), ONCE)],
    });
    for (const queue of ['realm', 'realms']) {
      const { id } = await application.queues.enqueue(queue, {});
      const { lastError } = await untilJobIs('failed', application, id);
      expect(lastError).toMatchObject({
        name: 'TypeError',
        message: 'of a realm',
        causes: [{ message: 'why' }],
      });
    }
  });
});

describe('a handler that imports another copy of the package', () => {
  const story = aStory();

  it.each<
    [
      string,
      (copy: Awaited<ReturnType<typeof aSecondCopy>>) => unknown,
      'failed' | 'unprocessable' | 'critical' | 'cancelled',
    ]
  >([
    ['fails', (copy) => copy.JobResult.fail('refused by the bank'), 'failed'],
    ['cancels', (copy) => copy.JobResult.cancel(), 'cancelled'],
    [
      'finds it unprocessable',
      (copy) => Promise.reject(new copy.UnprocessableError('bad')),
      'unprocessable',
    ],
    ['is broken', (copy) => Promise.reject(new copy.CriticalError('broken')), 'critical'],
  ])('%s', async (_, answer, state) => {
    const copy = await aSecondCopy();
    const process = () => answer(copy);
    const acquire = () => copy.Permit.free;
    const options = { maxAttempts: 1, backoff: constant({ delayMs: 0 }) };
    const application = await story.start({
      providers: [aHandlerWith('copies', { process, acquire }, options)],
    });
    const { id } = await application.queues.enqueue('copies', {});
    await untilJobIs(state, application, id);
  });
});
