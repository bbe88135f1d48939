import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  bigintArray,
  booleanArray,
  byteaArray,
  floatArray,
  intArray,
  smallintArray,
  textArray,
  timestampArray,
  uuidArray,
} from '../../../lib/storage/connection/binary-array.js';
import type { TestDatabase } from '../../support/database.js';
import { aDatabase } from '../../support/template.js';

describe('an array in binary', () => {
  let database: TestDatabase;

  beforeAll(async () => void (database = await aDatabase()));
  afterAll(() => database.drop());

  /** What PostgreSQL makes of it. */
  const read = async (type: string, array: Buffer | null) =>
    (await database.query<{ value: unknown }>(`select $1::${type}[] as value`, [array]))[0]!.value;

  it.each<[string, Buffer, unknown[]]>([
    ['uuid', uuidArray([]), []],
    [
      'uuid',
      uuidArray(['0189abcd-ef01-7234-8567-89abcdef0123', 'ffffffff-ffff-ffff-ffff-ffffffffffff']),
      ['0189abcd-ef01-7234-8567-89abcdef0123', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ],
    [
      'int',
      intArray([0, -1, 2_147_483_647, -2_147_483_648]),
      [0, -1, 2_147_483_647, -2_147_483_648],
    ],
    ['smallint', smallintArray([0, -1, 32_767, -32_768]), [0, -1, 32_767, -32_768]],
  ])('of %s holds its values', async (type, array, values) => {
    expect(await read(type, array)).toEqual(values);
  });

  it('of texts holds what needs escaping elsewhere, and NULL', async () => {
    const texts = [
      '',
      'NULL',
      '{"a": "b\\"c,d"}',
      '\u20ac \u{1f600} \n\\',
      undefined,
      'x'.repeat(70_000),
    ];
    expect(await read('text', textArray(texts))).toEqual(texts.map((text) => text ?? null));
  });

  it('of bytes holds them, and NULL', async () => {
    const values = [Buffer.from([0, 255, 92]), undefined, Buffer.alloc(0)];
    expect(await read('bytea', byteaArray(values))).toEqual(values.map((value) => value ?? null));
  });

  it('of times, numbers and truths holds them, and NULL', async () => {
    const times = [
      new Date(0),
      undefined,
      new Date('2026-11-28T12:00:00.123Z'),
      new Date('9999-12-31T23:59:59.999Z'),
    ];
    expect(await read('timestamptz', timestampArray(times))).toEqual(
      times.map((time) => time ?? null),
    );
    expect(await read('bigint', bigintArray(['9223372036854775807', undefined, '-1']))).toEqual([
      '9223372036854775807',
      null,
      '-1',
    ]);
    expect(await read('float8', floatArray([0.1, undefined, 3e15]))).toEqual([0.1, null, 3e15]);
    expect(await read('boolean', booleanArray([false, true, false]))).toEqual([false, true, false]);
  });

  it('of nothing but NULL is NULL', async () => {
    expect([textArray([undefined, undefined]), byteaArray([undefined])]).toEqual([null, null]);
    expect(await read('text', null)).toBeNull();
  });
});
