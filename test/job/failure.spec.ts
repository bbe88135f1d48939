import { describe, expect, it } from '@jest/globals';
import { BadRequestException } from '@nestjs/common';
import fc, { anyText } from '../support/properties.js';
import { cleanText, failureOf } from '../../lib/job/failure.js';

/** jsonb takes neither U+0000 nor half a surrogate pair. */
function expectStorable(text: string): void {
  expect(text).not.toContain('\0');
  expect(text.isWellFormed()).toBe(true);
}

const loneHalf = fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit));
const nastyText = fc
  .array(fc.oneof(anyText(), loneHalf, fc.constant('\0')))
  .map((parts) => parts.join(''));

const throwsAlways = new Proxy(
  {},
  {
    get: () => {
      throw new Error('get');
    },
    getPrototypeOf: () => {
      throw new Error('getPrototypeOf');
    },
    ownKeys: () => {
      throw new Error('ownKeys');
    },
  },
);

function circular(): object {
  const one: { self?: object } = {};
  one.self = one;
  return one;
}

function errorWith(fields: Record<string, unknown>): Error {
  const error = new Error('as it was');
  for (const [key, value] of Object.entries(fields)) Object.defineProperty(error, key, { value });
  return error;
}

describe('failureOf', () => {
  it("keeps an error's name, message, stack and code", () => {
    const error = Object.assign(new TypeError('no such thing'), { code: 'ENOENT' });
    expect(failureOf(error)).toEqual({
      name: 'TypeError',
      message: 'no such thing',
      stack: error.stack,
      code: 'ENOENT',
    });
  });

  it('keeps what a pipe of Nest has found, which stands in the response and not in the message', () => {
    const problems = ['to must be an email', 'n must be an integer number'];
    expect(failureOf(new BadRequestException(problems)).message).toBe(
      `Bad Request Exception: ${problems.join('; ')}`,
    );
    expect(failureOf(new BadRequestException('no such month')).message).toBe('no such month');
    expect(failureOf(new BadRequestException({ message: [{ property: 'to' }] })).message).toBe(
      'Bad Request Exception',
    );
    const broken = Object.assign(new Error('as it was'), {
      getResponse: () => JSON.parse('{') as unknown,
    });
    expect(failureOf(broken)).toMatchObject({ name: 'Error', message: 'as it was' });
  });

  it('leaves out a code that is no text', () => {
    expect(failureOf(errorWith({ code: 23505 }))).not.toHaveProperty('code');
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a text', 'plain', 'plain'],
    ['a number', 42, '42'],
    ['a bigint', 7n, '7'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an object', { reason: 'busy' }, '{"reason":"busy"}'],
    ['a list', ['a', 1], '["a",1]'],
  ])('describes %s that was thrown', (_, thrown, message) => {
    expect(failureOf(thrown)).toEqual({ name: 'Thrown', message });
  });

  it.each<[string, unknown]>([
    ['a proxy that throws on everything', throwsAlways],
    ['a cycle', circular()],
    ['a toJSON that throws', { toJSON: () => JSON.parse('{') as unknown }],
    ['an object with a bigint', { amount: 1n }],
    ['an error whose message throws', errorWith({ message: throwsAlways })],
    [
      'an error whose name is a symbol-keyed object',
      errorWith({ name: { [Symbol.toPrimitive]: () => Symbol('x') } }),
    ],
    ['an object without a prototype', Object.create(null)],
    ['an object whose toJSON answers nothing', { toJSON: () => undefined }],
    ['a revoked proxy', revoked()],
  ])('makes a failure even of %s', (_, thrown) => {
    const failure = failureOf(thrown);
    expect(typeof failure.name).toBe('string');
    expect(typeof failure.message).toBe('string');
  });

  it('cuts what is huge', () => {
    const failure = failureOf(
      errorWith({
        name: 'N'.repeat(10_000),
        message: 'm'.repeat(1_000_000),
        stack: 's'.repeat(1_000_000),
        code: 'c'.repeat(10_000),
      }),
    );
    expect(JSON.stringify(failure).length).toBeLessThan(11_000);
  });

  it('keeps ten causes at most, of a cycle each once, and nothing of a cause but its name, message and code', () => {
    const wide = new AggregateError(
      Array.from({ length: 1_000 }, (_, n) => new Error(`${n}`)),
      'many',
    );
    expect(failureOf(wide).causes).toHaveLength(10);
    const one = new Error('one');
    one.cause = new Error('two', { cause: one });
    expect(failureOf(one).causes).toEqual([{ name: 'Error', message: 'two' }]);
    const bare = new Error('no', { cause: { secret: 'x', message: 'told', code: 'E1' } });
    expect(failureOf(bare).causes).toEqual([{ name: 'Thrown', message: 'told', code: 'E1' }]);
    expect(failureOf(new Error('no', { cause: { secret: 'x' } })).causes).toEqual([
      { name: 'Thrown', message: 'an object' },
    ]);
    expect(failureOf(new Error('no', { cause: 'a text' })).causes).toEqual([
      { name: 'Thrown', message: 'a text' },
    ]);
    const deep = Array.from({ length: 10_000 }).reduce<Error>(
      (cause, _, n) => new Error(`${n}`, { cause }),
      new Error('first'),
    );
    expect(JSON.stringify(failureOf(deep).causes).length).toBeLessThan(10_000);
  });

  it('is storable and bounded for any value', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything({
            withBigInt: true,
            withNullPrototype: true,
            withDate: true,
            withSparseArray: true,
          }),
          nastyText,
        ),
        (thrown) => {
          const text = JSON.stringify(failureOf(thrown));
          expect(JSON.parse(text)).toEqual(failureOf(thrown));
          expect(text.length).toBeLessThan(80_000);
        },
      ),
    );
  });

  it('is storable for any text of an error', () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        const failure = failureOf(
          errorWith({ name: text, message: text, stack: text, code: text }),
        );
        Object.values(failure).forEach((part: string) => expectStorable(part));
      }),
    );
  });
});

describe('cleanText', () => {
  it('repairs a pair that its own cut splits', () => {
    expect(cleanText('ab\u{1F600}', 3)).toBe('ab\uFFFD');
  });

  it('is storable and no longer than asked', () => {
    fc.assert(
      fc.property(nastyText, fc.nat(40), (text, max) => {
        const clean = cleanText(text, max);
        expectStorable(clean);
        expect(clean.length).toBeLessThanOrEqual(max);
      }),
    );
  });

  it('leaves a storable text as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        (text) => {
          expect(cleanText(text, text.length)).toBe(text);
        },
      ),
    );
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
