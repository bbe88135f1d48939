import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { outputText } from '../../lib/job/values/output.js';
import { payloadText } from '../../lib/job/values/payload.js';

const MIB = 1024 * 1024;
const invalid = expect.objectContaining({ code: 'INVALID_PAYLOAD' });

function circular(): object {
  const one: { self?: object } = {};
  one.self = one;
  return one;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const throwing = {
  get field(): never {
    throw new Error('no');
  },
};

class Filter {
  declare from?: string;
  get isEmpty(): boolean {
    return this.from === undefined;
  }
}

class Collection extends Map<string, number> {
  toJSON(): number[] {
    return [...this.values()];
  }
}

class Ping {}

class Line {
  constructor(
    public sku: string,
    public count: number,
  ) {}
}

/** jsonb takes neither U+0000 nor half a surrogate pair, in keys or texts. */
function isStorable(text: string): boolean {
  let storable = true;
  JSON.parse(text, (key, value: unknown) => {
    const parts = [key, typeof value === 'string' ? value : ''];
    storable &&= parts.every((part) => !part.includes('\0') && part.isWellFormed());
    return value;
  });
  return storable;
}

describe('a payload', () => {
  it.each<[unknown, string]>([
    [{ orderId: 1 }, '{"orderId":1}'],
    [[], '[]'],
    ['text', '"text"'],
    [0, '0'],
    [false, 'false'],
    [null, 'null'],
    [undefined, 'null'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ left: undefined }, '{}'],
    [[undefined], '[null]'],
    [new Ping(), '{}'],
    [new Line('a', 2), '{"sku":"a","count":2}'],
    [Object.create(null), '{}'],
    [runInNewContext('({ rows: [{}] })'), '{"rows":[{}]}'],
    [{ to: new URL('https://example.org/') }, '{"to":"https://example.org/"}'],
    [Object(5), '5'],
    [Object.assign(new Error('x'), { toJSON: () => 'told' }), '"told"'],
    [{ filter: new Filter() }, '{"filter":{}}'],
    [new Collection([['a', 1]]), '[1]'],
  ])('%p is stored as JSON', (payload, text) => {
    expect(payloadText(payload, MIB)).toBe(text);
  });

  it.each<[string, unknown]>([
    ['a bigint', { amount: 1n }],
    ['a cycle', circular()],
    ['a function', { callback: () => 1 }],
    ['a bare function', () => 1],
    ['a symbol', { kind: Symbol('x') }],
    ['NaN', { price: NaN }],
    ['Infinity', [Infinity]],
    ['a Map', { rows: new Map() }],
    ['a Set', new Set([1])],
    ['an Error', { error: new TypeError('x') }],
    ['an Error of another realm', [runInNewContext('new Error("x")')]],
    ['an Error with fields', { error: Object.assign(new Error('x'), { code: 'E' }) }],
    ['a DOMException', new DOMException('x')],
    ['a RegExp', { match: /x/ }],
    ['search parameters', { query: new URLSearchParams('a=1') }],
    ['a WeakMap', new WeakMap()],
    ['an iterator', [1].values()],

    ['U+0000', { text: 'a\0b' }],
    ['U+0000 in a key', { 'a\0b': 1 }],
    ['half a surrogate pair', { text: '\ud83d' }],
    ['the other half', { text: 'x\ude00' }],
    ['U+0000 after a backslash', { text: '\\\0' }],
    ['a getter that throws', throwing],
    ['100,000 levels', deep(100_000)],
  ])('with %s is refused', (_, payload) => {
    expect(() => payloadText(payload, MIB)).toThrow(invalid);
  });

  it('may spell out an escape', () => {
    expect(JSON.parse(payloadText({ text: '\\u0000 and \\ud83d' }, MIB))).toEqual({
      text: '\\u0000 and \\ud83d',
    });
  });

  it.each<[unknown, string]>([
    [
      { items: [{}, { map: new Map() }] },
      'payload.items[1].map is a Map (give its entries), which JSON cannot hold.',
    ],
    [{ amount: [1n] }, 'payload.amount[0] is a BigInt (give a text)'],
    [{ last: new Error('x') }, 'payload.last is an Error (give its message)'],
    [
      { query: new URLSearchParams() },
      'payload.query is an instance of URLSearchParams (it has no toJSON)',
    ],
  ])('says where, and what to give instead: %p', (payload, message) => {
    expect(() => payloadText(payload, MIB)).toThrow(message);
  });

  it('may have a BigInt that the application has taught JSON', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = function (this: unknown) {
      return String(this);
    };
    try {
      expect(payloadText({ amount: 1n }, MIB)).toBe('{"amount":"1"}');
    } finally {
      delete prototype.toJSON;
    }
  });

  it('names the field that would be lost', () => {
    expect(() => payloadText({ items: [{ price: NaN }] }, MIB)).toThrow(
      /payload\.items\[0\]\.price is NaN/,
    );
  });

  it('is measured in bytes, not in characters', () => {
    expect(payloadText('\u20ac', 5)).toBe('"\u20ac"');
    expect(() => payloadText('\u20ac\u20ac', 5)).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    );
  });

  it('comes back as it went, or is refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        let text: string;
        try {
          text = payloadText(payload, MIB);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_PAYLOAD' });
          return;
        }
        expect(isStorable(text)).toBe(true);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(payload)));
      }),
    );
  });

  it('throws nothing but its own errors, whatever is given', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withSet: true, withNullPrototype: true }),
        (payload) => {
          try {
            expect(isStorable(payloadText(payload, MIB))).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ name: 'QueueError', code: 'INVALID_PAYLOAD' });
          }
        },
      ),
    );
  });
});

describe('an output', () => {
  it('is stored as JSON', () => {
    expect(outputText({ sent: 1 }, 100)).toEqual({ text: '{"sent":1}' });
  });

  it('may be nothing', () => {
    expect(outputText(undefined, 100)).toEqual({});
  });

  it('is cleaned of what jsonb cannot hold, and says so', () => {
    expect(outputText('\0', 100).problem).toMatch('became U+FFFD');
    expect(JSON.parse(outputText({ text: 'a\0b\ud800' }, 100).text ?? '')).toEqual({
      text: 'a\uFFFDb\uFFFD',
    });
  });

  it('may spell out an escape', () => {
    expect(JSON.parse(outputText('\\u0000', 100).text ?? '')).toBe('\\u0000');
  });

  it('is cut when it is too large, and says so', () => {
    const stored = outputText({ rows: 'x'.repeat(10_000) }, 1_000);
    expect(stored.problem).toMatch(/10,?0\d\d bytes, cut at maxOutputBytes/);
    expect(Buffer.byteLength(stored.text ?? '')).toBeLessThanOrEqual(1_000);
  });

  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a cycle', circular()],
    ['a getter that throws', throwing],
    ['100,000 levels', deep(100_000)],
    ['a bigint', { total: 1n }],
    ['a Map within', { a: new Map([[1, 2]]) }],
    ['a Set', new Set([1])],
    ['an Error within', { results: [{ reason: new Error('x') }] }],
    ['a promise within', [[Promise.resolve(1)]]],
    ['NaN within', { a: [NaN] }],
    ['Infinity', Infinity],
    ['bytes', Buffer.from('x')],
    ['a view', { a: new Uint8Array(1) }],
    ['an invalid Date', new Date(NaN)],
    ['what writes nothing', { toJSON: () => undefined }],
  ])('is left out when it is %s, and says so', (_, output) => {
    const stored = outputText(output, 100);
    expect(stored).toEqual({ problem: expect.any(String) });
  });

  it('is storable and bounded, and never throws', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withDate: true, withNullPrototype: true }),
        fc.integer({ min: 16, max: 5_000 }),
        (output, max) => {
          const { text } = outputText(output, max);
          if (text === undefined) return;
          expect(isStorable(text)).toBe(true);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(max);
        },
      ),
    );
  });
});
