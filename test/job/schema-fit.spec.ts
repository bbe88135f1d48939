import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { fitOf } from '../../lib/job/values/schema-fit.js';
import {
  isSchema,
  type SchemaIssue,
  type StandardSchema,
} from '../../lib/job/values/standard-schema.js';

/** A schema that answers these issues, as other libraries than zod word them. */
function saying(...issues: SchemaIssue[]): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
}

describe('what a schema says', () => {
  it('is the parsed value', async () => {
    const schema = z.object({
      at: z.iso.datetime().transform((text) => new Date(text)),
      n: z.number().default(5),
    });
    expect(await fitOf(schema, { at: '2030-01-01T00:00:00Z', extra: 1 })).toEqual({
      value: { at: new Date(Date.UTC(2030, 0)), n: 5 },
    });
  });

  it('may come later', async () => {
    const schema = z.string().refine(async (text) => text === 'known', 'is not known');
    expect(await fitOf(schema, 'known')).toEqual({ value: 'known' });
    expect(await fitOf(schema, 'other')).toEqual({ problem: 'is not known' });
  });

  it('names the path of what is wrong', async () => {
    const schema = z.object({ lines: z.array(z.object({ price: z.number() })) });
    const { problem } = await fitOf(schema, { lines: [{ price: 1 }, { price: '1' }] });
    expect(problem).toMatch(/^lines\[1\]\.price: .*expected number/);
  });

  it('reads paths of objects with a key', async () => {
    const schema = saying({ message: 'is wrong', path: [{ key: 'a' }, { key: 0 }, Symbol('s')] });
    expect(await fitOf(schema, {})).toEqual({ problem: 'a[0].Symbol(s): is wrong' });
  });

  it('tells five issues, and how many more there are', async () => {
    const issues = Array.from({ length: 9 }, (_, n) => ({ message: 'bad', path: [`p${n}`] }));
    expect(await fitOf(saying(...issues), {})).toEqual({
      problem: 'p0: bad; p1: bad; p2: bad; p3: bad; p4: bad; and 4 more',
    });
  });

  it.each<[string, unknown, PropertyKey[], string]>([
    [
      'Invalid type: Expected number but received "hunter2"',
      { key: 'hunter2' },
      ['key'],
      'received "..."',
    ],
    ['must be at least 5 (was 3)', { key: 3 }, ['key'], '(was ...)'],
    ['must be an address (was hunter2)', { key: 'hunter2' }, ['key'], '(was ...)'],
    ["Invalid value: 'x'", { key: 'x' }, ['key'], "'...'"],
    [
      'must be a string (was {"card":"4111 1111"})',
      { key: { card: '4111 1111' } },
      ['key'],
      'must be a string',
    ],
    ['is wrong: hunter2', 'hunter2', [], 'is wrong: ...'],
    ['unmatched ) (', { key: '(' }, ['key'], 'unmatched'],
  ])('leaves the value out of: %s', async (message, value, path, told) => {
    const { problem } = await fitOf(saying({ message, path }), value);
    expect(problem).toContain(told);
    expect(problem).not.toMatch(/hunter2|4111|was 3/);
  });

  it('is cut, and can be stored', async () => {
    const { problem = '' } = await fitOf(
      saying({ message: `\0${'x'.repeat(5_000)}`, path: ['k'.repeat(500)] }),
      {},
    );
    expect(problem.length).toBeLessThan(300);
    expect(problem).not.toContain('\0');
  });

  it('is thrown when the schema itself fails', async () => {
    const broken = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => Promise.reject(new Error('no network')),
      },
    } as const;
    await expect((async () => fitOf(broken, 1))()).rejects.toThrow('no network');
  });
});

it.each<[unknown, boolean]>([
  [z.string(), true],
  [
    Object.assign(() => true, {
      '~standard': { version: 1, vendor: 'arktype', validate: () => ({ value: 1 }) },
    }),
    true,
  ],
  [{ '~standard': { version: 2, validate: () => ({}) } }, false],
  [{ parse: () => 1 }, false],
  [null, false],
  ['text', false],
])('knows a schema: %#', (value, is) => {
  expect(isSchema(value)).toBe(is);
});
