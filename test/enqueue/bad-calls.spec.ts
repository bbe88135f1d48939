import { describe, expect, it } from '@jest/globals';
import { checkMaxPending, refuseMixedKeys } from '../../lib/enqueue/conflict-rules.js';
import { checkedJob } from '../../lib/enqueue/new-job.js';
import { checkSelector } from '../../lib/enqueue/call-options.js';
import { QueueError } from '../../lib/job/queue.errors.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

const check = (payload: unknown, options: unknown = {}, queue: unknown = 'mail') =>
  checkedJob(queue as string, payload, options as never, {
    maxPayloadBytes: 1_000,
    newId: () => 'an id',
  });

it.each(['uniqueKey', 'group', 'fingerprint', 'workflowId'])(
  'a selector that cannot be names its own call: %s',
  (part) => {
    for (const text of ['', 'x'.repeat(513), 'a\0', 5])
      expect(() => checkSelector({ queue: 'mail', [part]: text })).toThrow(
        new RegExp(`^cancel: ${part} must be 1 to 512 characters`),
      );
  },
);

describe('a call that cannot work is refused before anything is written', () => {
  it.each<[string, unknown, string]>([
    [
      'an unknown option, with the nearest one',
      { priorty: 1 },
      'unknown option "priorty", did you mean "priority"?',
    ],
    ['an option of another library', { jobId: 'x' }, 'unknown option "jobId", did you mean "id"?'],
    [
      'one that is no option of a job',
      { removeOnComplete: true },
      'unknown option "removeOnComplete", that is "archive" of the queue',
    ],
    [
      'a manager where none belongs',
      { manager: {} },
      'unknown option "manager", which is one of the whole call',
    ],
    ['options that are null', null, 'options must be an object, not null'],
    [
      'a priority out of range',
      { priority: 40_000 },
      'priority must be a number from -32768 to 32767, not 40000',
    ],
    ['a priority that is not whole', { priority: 1.5 }, 'priority must be a whole number'],
    [
      'a priority that cannot be written',
      { priority: Object.create(null) },
      'priority must be a whole number',
    ],
    ['a delay that cannot be written', { delayMs: new Date(NaN) }, 'delayMs must be a number'],
    [
      'a period that cannot be written',
      { onConflict: 'throttle', uniqueKey: 'k', periodMs: Object.create(null) },
      'needs periodMs',
    ],
    ['headers that are nothing', { headers: null }, 'headers must be an object, not null'],
    [
      'headers that are a Map',
      { headers: new Map([['a', 'b']]) },
      'headers must be a plain object',
    ],
    ['headers that are NaN', { headers: NaN }, 'headers must be an object'],
    ['a negative delay', { delayMs: -1 }, 'delayMs must be a number from 0'],
    ['an invalid date', { runAt: new Date(NaN) }, 'runAt is not a valid Date'],
    [
      'the year 10000',
      { runAt: new Date(Date.UTC(10_000, 0, 1)) },
      'runAt lies after the year 9999',
    ],
    [
      'two times at once',
      { runAt: new Date(), delayMs: 1 },
      'runAt and delayMs cannot be given together',
    ],
    ['an id that is no UUID', { id: '7' }, '"7" is not a UUID'],
    ['an empty unique key', { uniqueKey: '' }, 'uniqueKey must be 1 to 512 characters'],
    [
      'a fingerprint with U+0000',
      { fingerprint: 'a\0' },
      'fingerprint must be 1 to 512 characters',
    ],
    ['headers that are a list', { headers: ['x'] }, 'headers must be an object'],
    [
      'a header that is no string',
      { headers: { a: 1 } },
      'headers: "a" must be a string, not number',
    ],
    ['too many headers', { headers: { a: 'x'.repeat(9_000) } }, 'more than 8192'],
    ['no attempts', { maxAttempts: 0 }, 'maxAttempts must be a number from 1 to 1000'],
    [
      'a backoff that cannot be stored',
      { backoff: { type: 'custom' } },
      'cannot be stored with a job',
    ],
    [
      'a backoff whose kind cannot be written',
      { backoff: { type: Object.create(null) } },
      'make one with constant()',
    ],
    [
      'a backoff that cannot be written',
      { backoff: { type: 'constant', delayMs: Object.create(null) } },
      'not object',
    ],
    ['a mode without a key', { onConflict: 'replace' }, 'needs a uniqueKey'],
    ['debounce without a key', { onConflict: 'debounce', periodMs: 5 }, 'needs a uniqueKey'],
    [
      'an unknown mode',
      { onConflict: 'merge', uniqueKey: 'k' },
      'onConflict must be one of ignore, replace, debounce, throttle',
    ],
    ['a mode that is no text', { onConflict: null, uniqueKey: 'k' }, 'onConflict must be one of'],
    ['debounce without a period', { onConflict: 'debounce', uniqueKey: 'k' }, 'needs periodMs'],
    [
      'throttle with a period of nothing',
      { onConflict: 'throttle', uniqueKey: 'k', periodMs: 0 },
      'needs periodMs',
    ],
    [
      'a period that is no number',
      { onConflict: 'throttle', uniqueKey: 'k', periodMs: '5' },
      'needs periodMs',
    ],
    [
      'a period without a mode',
      { periodMs: 5 },
      'periodMs belongs to onConflict "debounce" or "throttle"',
    ],
    [
      'a period of replace',
      { periodMs: 5, uniqueKey: 'k', onConflict: 'replace' },
      'periodMs belongs to',
    ],
    [
      'debounce with a delay',
      { onConflict: 'debounce', uniqueKey: 'k', periodMs: 5, delayMs: 5 },
      'Leave out runAt and delayMs',
    ],
    [
      "a mode with a caller's id",
      { onConflict: 'replace', uniqueKey: 'k', id: '00000000-0000-4000-8000-000000000000' },
      'id cannot be given',
    ],
    ['a limit in an item', { maxPending: 5 }, 'unknown option "maxPending"'],
    ['a timeout of nothing', { timeoutMs: 0 }, 'timeoutMs must be a number from 1'],
    ['ordered without a group', { ordered: true }, 'ordered needs a group'],
    ['ordered that is no boolean', { ordered: 1, group: 'a' }, 'ordered must be true or false'],
    ['an empty group', { group: '' }, 'group must be 1 to 512 characters'],
    [
      'ordered with a priority',
      { ordered: true, group: 'a', priority: 1 },
      'priority and ordered cannot be given together',
    ],
    [
      'a time to commit what is not staged',
      { commitWithinMs: 5_000 },
      'commitWithinMs belongs to a staged job',
    ],
    [
      'a time to commit of null',
      { staged: true, commitWithinMs: null },
      'commitWithinMs must be a whole number from 1000',
    ],
    [
      'a time to commit that is too short',
      { staged: true, commitWithinMs: 1 },
      'commitWithinMs must be a number from 1000',
    ],
    ['staged that is no boolean', { staged: 'yes' }, 'staged must be true or false'],
    ['headers that are false to JavaScript', { headers: 0 }, 'headers must be an object'],
    [
      'headers that are a Map',
      { headers: new Map([['a', 'b']]) },
      'headers must be a plain object',
    ],
    [
      'headers that write themselves',
      { headers: Object.create({ toJSON: () => 5 }) },
      'headers must be a plain object',
    ],
    [
      'a backoff of a type that is no text',
      { backoff: { type: Object.create(null) } },
      'backoff: make one with',
    ],
    [
      'a backoff with a delay of no kind',
      { backoff: { type: 'constant', delayMs: Object.create(null) } },
      'not object',
    ],
    [
      'a time to commit that is null',
      { staged: true, commitWithinMs: null },
      'commitWithinMs must be a whole number',
    ],
    ['a date that is none', { runAt: Object.create(Date.prototype) }, 'runAt is not a valid Date'],
    [
      'bytes that only look like it',
      { payloadBytes: Object.create(Uint8Array.prototype) },
      'payloadBytes must be a Uint8Array',
    ],
    ['bytes that are none', { payloadBytes: 'text' }, 'payloadBytes must be a Uint8Array'],
  ])('%s', (_, options, problem) => {
    expect(() => check({}, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(() => check({}, options)).toThrow(problem);
  });

  it.each(['delayMs', 'priority', 'maxAttempts', 'timeoutMs'])(
    '%s: a value of any kind, in few words',
    (option) => {
      const hostile = { [Symbol.toPrimitive]: () => { throw new Error('asked'); } }; // prettier-ignore
      for (const value of [
        Object.create(null),
        hostile,
        Symbol('s'),
        10n,
        'x'.repeat(100_000),
        new Array(100_000),
        NaN,
        Infinity,
      ])
        expect(refusalOf(option, value)).toMatch(
          new RegExp(`^enqueue: ${option} must be a .{1,180}$`),
        );
    },
  );

  function refusalOf(option: string, value: unknown): string {
    try {
      check({}, { [option]: value });
    } catch (error) {
      if (error instanceof QueueError && error.code === 'INVALID_OPTION') return error.message;
    }
    return 'no refusal';
  }

  it('a list of labels with a hole', () => {
    const labels = ['eu'];
    labels[2] = 'gpu';
    expect(() => check({}, { labels })).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });

  it('but not a backoff that holds more than it needs: the rest is not stored', () => {
    const cycle: Record<string, unknown> = {
      type: 'constant',
      delayMs: 5,
      n: 1n,
      toJSON: () => 'x',
    };
    cycle.self = cycle;
    expect(JSON.parse(check({}, { backoff: cycle }).options!)).toEqual({
      backoff: { type: 'constant', delayMs: 5 },
    });
  });

  it.each([0, -1, 1.5, 1_000_001, '5', null, NaN])('a maxPending of %p', (maxPending) => {
    expect(() => checkMaxPending(maxPending as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
    expect(() => resolveOptions({ queues: { mail: { maxPending: maxPending as never } } })).toThrow(
      'queues.mail.maxPending',
    );
  });

  it('one key with two modes in one call', () => {
    const items = [
      { uniqueKey: 'a' },
      { uniqueKey: 'b', conflict: 'replace' },
      { uniqueKey: 'a', conflict: 'throttle' },
    ] as const;
    expect(() => refuseMixedKeys([...items])).toThrow(
      'Item 2: enqueue: the items with uniqueKey "a" have different onConflict modes',
    );
    expect(() => refuseMixedKeys([items[1], items[1], {}, {}])).not.toThrow();
  });

  it.each<[string, unknown, string]>([
    ['a group', { group: 'a' }, 'group cannot be given if the whole queue is ordered'],
    ['another order', { ordered: false }, 'ordered: false cannot be given'],
    ['a priority', { priority: 1 }, 'priority and ordered cannot be given together'],
  ])('in a queue that is ordered as a whole: %s', (_, options, problem) => {
    const limits = { maxPayloadBytes: 1_000, newId: () => 'an id', ordered: true };
    expect(() => checkedJob('mail', {}, options as never, limits)).toThrow(problem);
  });

  it.each(['', 'a b', 'x'.repeat(101), '../etc', "'; drop table job; --", 'a\0', null, 7])(
    'the queue name %p',
    (queue) => {
      expect(() => check({}, {}, queue)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
    },
  );

  it.each(['__proto__', 'constructor', 'toString', 'a.b:c/d-e_f'])(
    'but not the queue name %p',
    (queue) => {
      expect(check({}, {}, queue).queue).toBe(queue);
    },
  );

  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const silent = Object.defineProperty(new Error('x'), 'message', { get: () => { throw new Error('asked'); } }); // prettier-ignore

  it.each<[string, unknown]>([
    ['a BigInt', { n: 1n }],
    ['a cycle', cycle],
    ['a function', { f: () => 1 }],
    ['a symbol', { s: Symbol('s') }],
    ['NaN', { list: [1, NaN] }],
    ['a Map', { map: new Map() }],
    ['bytes', { file: Buffer.from('x') }],
    ['an invalid date', { at: new Date(NaN) }],
    ['a forgotten await', { user: Promise.resolve(1) }],
    ['NaN in what an object says of itself', { a: { toJSON: () => ({ x: [NaN] }) } }],
    ['a Map in what an object says of itself', { toJSON: () => new Map() }],
    ['an error that tells nothing', { toJSON: () => { throw silent; } }], // prettier-ignore
    ['U+0000', { text: 'a\0b' }],
    ['half a surrogate pair', { text: 'a\ud800' }],
    ['a key with half a pair', { '\udc00': 1 }],
  ])('a payload with %s', (_, payload) => {
    expect(() => check(payload)).toThrow(expect.objectContaining({ code: 'INVALID_PAYLOAD' }));
  });

  it('a payload that is too large', () => {
    expect(() => check('x'.repeat(1_000))).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    );
  });

  it('but not a text that only looks like an escape', () => {
    expect(check({ text: '\\u0000 \\ud800' }).payload).toBe('{"text":"\\\\u0000 \\\\ud800"}');
  });

  it.each([
    null,
    {},
    [],
    { fingerprint: 'f', queu: 'mail' },
    { id: 'x', fingerprint: 'y' },
    { uniqueKey: 'without a queue' },
    { fingerprint: '' },
  ])('the selector %j', (selector) => {
    expect(() => checkSelector(selector as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});
