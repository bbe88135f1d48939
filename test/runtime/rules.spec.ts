import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import {
  callable,
  listOf,
  mapOf,
  must,
  oneOf,
  orFalse,
  passes,
  shape,
  whole,
  yesOrNo,
  type Rule,
} from '../../lib/runtime/rules.js';

describe('a rule of one value', () => {
  it.each<[Rule, unknown]>([
    [whole(1, 10), 1],
    [whole(1, 10), 10],
    [yesOrNo, false],
    [callable, () => 1],
    [oneOf('a', 'b'), 'b'],
    [orFalse(whole(1, 10)), false],
    [orFalse(whole(1, 10)), 5],
    [listOf(whole(1, 10)), [1, 2]],
    [passes(() => 'fine'), 'anything'],
  ])('%# lets in what fits', (rule, value) => {
    expect(rule(value, 'it')).toEqual([]);
  });

  it.each<[Rule, unknown, string]>([
    [whole(1, 10_000), 0, 'it must be a whole number from 1 to 10,000, not 0'],
    [whole(1, 10), 1.5, 'it must be a whole number from 1 to 10, not 1.5'],
    [whole(1, 10), '5', 'it must be a whole number from 1 to 10, not "5"'],
    [whole(1, 10), NaN, 'it must be a whole number from 1 to 10, not NaN'],
    [yesOrNo, null, 'it must be true or false, not null'],
    [callable, {}, 'it must be a function, not a value of type object'],
    [oneOf('run', 'off'), 'of', 'it must be "run" or "off", not "of"'],
    [orFalse(whole(1, 10)), true, 'it must be false or a whole number from 1 to 10, not true'],
    [listOf(yesOrNo), [], 'it must be a list with at least one item, not an empty list'],
    [listOf(yesOrNo), 'no', 'it must be a list with at least one item, not "no"'],
    [listOf(yesOrNo), [true, 7], 'it[1] must be true or false, not 7'],
  ])('%# says what is wrong', (rule, value, problem) => {
    expect(rule(value, 'it')).toEqual([problem]);
  });

  it('tells what a checking function threw', () => {
    const rule = passes(() => {
      throw new Error('It is too blue.');
    });
    expect(rule('sky', 'it')).toEqual(['it: It is too blue']);
  });

  it('shows only the kind of what may be a secret', () => {
    expect(whole(1, 2)({ password: 'hunter2' }, 'it').join()).not.toContain('hunter2');
  });
});

describe('shape', () => {
  const rule = shape(
    { size: whole(1, 10), name: must((value) => typeof value === 'string', 'a text') },
    ['name'],
  );

  it('reports everything that is wrong, each with its path', () => {
    expect(rule({ size: 0, nmae: 'x' }, 'box')).toEqual([
      'box.name is missing',
      'box.size must be a whole number from 1 to 10, not 0',
      'box.nmae is not known (did you mean "name"?)',
    ]);
  });

  it('takes undefined for not given', () => {
    expect(rule({ size: undefined, name: 'x' }, 'box')).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'knows no key that objects inherit: %s',
    (key) => {
      expect(rule(JSON.parse(`{ "name": "x", "${key}": 1 }`), 'box')).toEqual([
        expect.stringContaining(`box.${key} is not known`),
      ]);
    },
  );

  it.each([undefined, null, 7, 'text', [[1]], () => 1])('refuses %p: no object', (value) => {
    expect(rule(value, 'box')).toEqual([expect.stringMatching(/^box must be an object/)]);
  });
});

it('mapOf checks keys and values of free keys', () => {
  const rule = mapOf(
    must((key) => key !== 'bad', 'good'),
    whole(1, 10),
  );
  expect(rule({ fine: 1, bad: 2, large: 11 }, 'map')).toEqual([
    'map must be good, not "bad"',
    'map.large must be a whole number from 1 to 10, not 11',
  ]);
});

it('no rule throws, whatever it is asked', () => {
  const rule = shape({
    a: whole(1, 2),
    b: listOf(yesOrNo),
    c: mapOf(yesOrNo, callable),
    d: orFalse(oneOf('x')),
    e: passes(String),
  });
  fc.assert(
    fc.property(
      fc.anything({ withNullPrototype: true, withBigInt: true }),
      fc.anything({ withNullPrototype: true }),
      (one, other) => {
        for (const value of [
          one,
          { a: one, b: other, c: one, d: other, e: one },
          { b: [one, other], c: { one, other } },
        ]) {
          expect(rule(value, '').every((problem) => typeof problem === 'string')).toBe(true);
        }
      },
    ),
  );
});
