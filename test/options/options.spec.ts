import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { custom, linear } from '../../lib/job/backoff.js';
import { QueueError } from '../../lib/job/queue.errors.js';
import { asyncOptions, DEFAULTS, moduleExtras } from '../../lib/options/option-rules.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';

/** As an application without a compiler would give them. */
const wild = (options: unknown): SimpleQueueOptions => options as SimpleQueueOptions;

function problemOf(options: unknown, instance?: string): QueueError {
  try {
    resolveOptions(wild(options), instance);
  } catch (error) {
    return error as QueueError;
  }
  throw new Error('These options were let in.');
}

describe('without options', () => {
  it('all defaults hold', () => {
    const { instance, queues, limits, schedules, ...rest } = resolveOptions({}).options;
    expect(rest).toEqual(DEFAULTS);
    expect([instance, queues.size, limits.size]).toEqual(['default', 0, 0]);
    expect(schedules).toEqual({ owner: 'default' });
  });

  it('nothing is suspicious', () => {
    expect(resolveOptions({}).warnings).toEqual([]);
  });

  it('the defaults are those of the design', () => {
    expect(DEFAULTS).toMatchObject({
      schema: 'simple_queue',
      concurrency: 100,
      queueConcurrency: 10,
      maxAttempts: 3,
      backoff: linear({ delayMs: 5_000 }),
    });
  });
});

describe('the answer', () => {
  it('says what was given and the default for the rest', () => {
    const { options } = resolveOptions({
      concurrency: 5,
      reaperIntervalMs: 200,
      maxStalls: 2,
      leaseMs: undefined,
    });
    expect(options).toMatchObject({
      concurrency: 5,
      reaperIntervalMs: 200,
      janitorIntervalMs: 60_000,
      maxStalls: 2,
      rescheduleForMs: 604_800_000,
      leaseMs: 15_000,
    });
  });

  it.each<[SimpleQueueOptions['worker'], unknown]>([
    [undefined, { autoStart: true }],
    [true, { autoStart: true }],
    [false, undefined],
    [{ autoStart: false }, { autoStart: false }],
    [{ queues: ['mail.*'] }, { queues: ['mail.*'], autoStart: true }],
  ])('takes worker %p for %p', (worker, resolved) => {
    expect(resolveOptions({ worker }).options.worker).toEqual(resolved);
  });

  it("keeps a queue's settings under any name, __proto__ too", () => {
    const queues = JSON.parse(
      '{ "__proto__": { "maxAttempts": 7 }, "mail": {} }',
    ) as SimpleQueueOptions['queues'];
    const { options } = resolveOptions({ queues });
    expect([...options.queues]).toEqual([
      ['__proto__', { maxAttempts: 7 }],
      ['mail', {}],
    ]);
  });

  it('is frozen, and what was given is not', () => {
    const given = {
      archive: { keepMs: 60_000 },
      queues: { mail: { deadLetter: { keepMs: 60_000 } } },
    };
    const { options } = resolveOptions(given);
    expect(
      [
        options,
        options.archive,
        options.queues.get('mail'),
        options.queues.get('mail')?.deadLetter,
      ].every(Object.isFrozen),
    ).toBe(true);
    expect(
      [given, given.archive, given.queues, given.queues.mail, given.queues.mail.deadLetter].some(
        Object.isFrozen,
      ),
    ).toBe(false);
  });

  it('allows a custom backoff', () => {
    const rule = custom(() => 5);
    expect(resolveOptions({ backoff: rule }).options.backoff).toEqual(rule);
  });
});

describe('wrong options', () => {
  it('are reported all in one error', () => {
    const { code, message } = problemOf({
      concurency: 5,
      schema: 'Bad Schema',
      leaseMs: -1,
      queues: { 'no spaces': {} },
    });
    expect(code).toBe('INVALID_OPTION');
    expect(message.split('\n- ').slice(1)).toEqual([
      'concurency is not known (did you mean "concurrency"?)',
      expect.stringContaining('schema: "Bad Schema" is not a schema name'),
      'leaseMs must be a whole number from 100 to 86,400,000, not -1',
      expect.stringContaining('queues: "no spaces" is not a queue name'),
    ]);
  });

  it.each<[object, string]>([
    [{ worker: { queue: ['a'] } }, 'worker.queue is not known (did you mean "queues"?)'],
    [{ reaperInterval: 5 }, 'reaperInterval is not known (did you mean "reaperIntervalMs"?)'],
    [
      { queues: { mail: { maxAttempt: 1 } } },
      'queues.mail.maxAttempt is not known (did you mean "maxAttempts"?)',
    ],
    [
      { queues: { mail: { archive: { keepMS: 1 } } } },
      'queues.mail.archive.keepMS is not known (did you mean "keepMs"?)',
    ],
    [{ deadLetter: { keep: 1 } }, 'deadLetter.keep is not known (did you mean "keepMs"?)'],
    [{ redis: {} }, 'redis is not known (there is transaction, '],
    [{ lockDuration: 5 }, 'lockDuration is not known (did you mean "leaseMs"?)'],
    [{ connection: {} }, 'connection is not known (did you mean "dataSource"?)'],
    [{ removeOnComplete: true }, 'removeOnComplete is not known (did you mean "archive"?)'],
    [{ queues: { a: { limiter: {} } } }, 'queues.a.limiter is not known (did you mean "rate"?)'],
    [{ queues: { a: { attempts: 2 } } }, 'attempts is not known (did you mean "maxAttempts"?)'],
    [
      { queues: { a: { lockDuration: 5 } } },
      'queues.a.lockDuration is not known (that is "leaseMs" of the module)',
    ],
  ])('%j are named, with what was probably meant', (options, problem) => {
    expect(problemOf(options).message).toContain(problem);
  });

  it.each<[object, string]>([
    [{ concurrency: 0 }, 'concurrency must be'],
    [{ concurrency: 10_001 }, 'concurrency must be'],
    [{ concurrency: 1.5 }, 'concurrency must be'],
    [{ concurrency: '10' }, 'concurrency must be'],
    [{ queueConcurrency: null }, 'queueConcurrency must be'],
    [{ maxAttempts: 1_001 }, 'maxAttempts must be'],
    [{ backoff: { type: 'linear', delayMs: -5 } }, '- backoff: delayMs must be a number from 0'],
    [{ backoff: 5 }, '- backoff: make one with constant()'],
    [{ queues: { mail: { backoff: 5 } } }, '- queues.mail.backoff: make one with constant()'],
    [{ timeoutMs: 0 }, 'timeoutMs must be'],
    [{ migrate: true }, 'migrate must be "run" or "check" or "off"'],
    [{ wakeUp: 'LISTEN' }, 'wakeUp must be "listen" or "off"'],
    [
      { worker: 'false' },
      'worker must be true, false or an object { queues, labels, autoStart }, not "false"',
    ],
    [{ worker: null }, 'worker must be true, false or an object'],
    [{ worker: { queues: [] } }, 'worker.queues must be a list with at least one item'],
    [{ worker: { queues: ['ma*il'] } }, 'worker.queues[0]: "ma*il" is not a queue name'],
    [{ worker: { queues: [7] } }, 'worker.queues[0]: number is not a queue name'],
    [{ worker: { labels: ['a b'] } }, 'worker.labels: "a b" is not a label'],
    [{ worker: { labels: 'gpu' } }, 'worker.labels: must be a list of strings, not "gpu"'],
    [{ worker: { autoStart: 0 } }, 'worker.autoStart must be true or false'],
    [{ pollIntervalMs: 2 ** 31 }, 'pollIntervalMs must be'],
    [{ preparedStatements: 'no' }, 'preparedStatements must be true or false'],
    [{ transaction: {} }, 'transaction must be a function'],
    [{ archive: true }, 'archive must be false or an object { keepMs }, not true'],
    [{ logs: { levels: { failed: 'no' } } }, 'logs.levels.failed must be false or "fatal" or'],
    [{ archive: {} }, 'archive.keepMs is missing'],
    [{ archive: { keepMs: 59_999 } }, 'archive.keepMs must be a whole number from 60,000'],
    [{ deadLetter: false }, 'deadLetter must be an object'],
    [{ maxPayloadBytes: 0 }, 'maxPayloadBytes must be'],
    [{ maxOutputBytes: 2 ** 40 }, 'maxOutputBytes must be'],
    [{ queues: [] }, 'queues must be an object'],
    [{ queues: { mail: 5 } }, 'queues.mail must be an object'],
    [{ dataSource: 'reports' }, 'dataSource belongs beside useFactory'],
    [{ poolMode: 'statement' }, 'poolMode must be'],
    [{ poolMode: 'transaction' }, 'poolMode "transaction" loses LISTEN: give listenUrl'],
    [
      { heartbeatIntervalMs: 1_000, leaseMs: 1_000 },
      'leaseMs (1000) must be longer than heartbeatIntervalMs (1000)',
    ],
  ])('%j stop the start', (options, problem) => {
    const error = problemOf(options);
    expect(error).toMatchObject({
      name: 'QueueError',
      code: 'INVALID_OPTION',
      message: expect.stringContaining(problem),
    });
  });

  it.each([undefined, null, 5, 'text', []])('%p are no options', (options) => {
    expect(() => resolveOptions(options as unknown as SimpleQueueOptions)).toThrow(
      /the options must be an object/,
    );
  });

  it('name the instance that they belong to', () => {
    expect(problemOf({ concurrency: 0 }, 'reports').message).toContain('instance "reports"');
  });

  it('never show the password of an address', () => {
    expect(problemOf({ listenUrl: 'http://me:hunter2@db' }).message).not.toContain('hunter2');
  });

  it.each([
    'app:1/Hunter2@h/x',
    'app:1?Hunter2@h/x',
    'app:1#Hunter2@h/x',
    'app:Hunter2',
    'Hun/ter2:x@h/x',
    'h:1/db&password=Hunter2',
  ])('refuse an address that is torn by a sign of its password: postgres://%s', (rest) => {
    const { message } = problemOf({ listenUrl: `postgres://${rest}` });
    expect(message).toMatch(/listenUrl is not an address.*\/ as %2F/);
    expect(message).not.toMatch(/Hun|ter2/);
  });

  it.each([
    'app:1%2FHunter2@h/x',
    'app:p@ss@h:5/x',
    'h/x?user=app@tenant',
    'app@/x?host=/run/postgresql',
    '%2Frun%2Fpostgresql/x',
  ])('take an address that is whole: postgres://%s', (rest) =>
    expect(resolveOptions({ listenUrl: `postgres://${rest}` }).options.listenUrl).toContain(rest),
  );

  it('are the only thing that is thrown, whatever is given', () => {
    const key = fc.constantFrom(
      ...Object.keys(DEFAULTS),
      'queues',
      'worker',
      'rescheduleForMs',
      'listenUrl',
    );
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.anything({ withNullPrototype: true, withBigInt: true })),
        (options) => {
          try {
            expect(Object.isFrozen(resolveOptions(wild(options)).options)).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ name: 'QueueError', code: 'INVALID_OPTION' });
          }
        },
      ),
    );
  });
});

describe('suspicious pairs', () => {
  it.each<[SimpleQueueOptions, string]>([
    [{ leaseMs: 14_999 }, 'leaseMs (14999) is under three heartbeats (5000)'],
    [{ queryTimeoutMs: 15_000 }, 'queryTimeoutMs (15000) reaches leaseMs (15000)'],
    [{ shutdownGraceMs: 60_000 }, 'shutdownGraceMs (60000) reaches 30 s'],
    [{ concurrency: 5, queueConcurrency: 10 }, 'queueConcurrency (10) is above concurrency (5)'],
    [{ queueConcurrency: 101 }, 'queueConcurrency (101) is above concurrency (100)'],
    [
      { queues: { mail: { concurrency: 101 } } },
      'queues.mail.concurrency (101) is above concurrency (100)',
    ],
    [{ wakeUp: 'off', listenUrl: 'postgres://db' }, 'listenUrl is given but wakeUp is "off"'],
  ])('%j are let in with a warning', (options, warning) => {
    expect(resolveOptions(options).warnings).toEqual([expect.stringContaining(warning)]);
  });

  it.each<SimpleQueueOptions>([
    {},
    { concurrency: 1 },
    { concurrency: 5, queueConcurrency: undefined },
    { queueConcurrency: 100 },
  ])("%j deserve none: a default is nobody's slip", (options) =>
    expect(resolveOptions(options).warnings).toEqual([]),
  );
});

describe('what stands beside the options', () => {
  it.each<[object, string]>([
    [{ name: '' }, 'name must be 1 to 60 of letters'],
    [{ name: 'two words' }, 'name must be'],
    [{ isGlobal: 'yes' }, 'isGlobal must be true or false'],
    [{ dataSource: 5 }, 'dataSource must be a DataSource, its token'],
    [{ dataSource: null }, 'dataSource must be a DataSource, its token'],
  ])('%j stops the start', (extras, problem) => {
    expect(moduleExtras(extras, '')).toEqual([expect.stringContaining(problem)]);
  });

  it('is checked for typing errors in forRootAsync', () => {
    expect(asyncOptions({ useFactory: () => ({}), datasource: 'reports' }, '')).toEqual([
      'datasource is not known (did you mean "dataSource"?)',
    ]);
  });
});
