const HEAD_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** PostgreSQL's numbers for types, from its catalog. */
const OID = {
  boolean: 16,
  bytea: 17,
  bigint: 20,
  smallint: 21,
  int: 23,
  text: 25,
  float: 701,
  timestamptz: 1184,
  uuid: 2950,
};

/** PostgreSQL counts microseconds from the year 2000. */
const YEAR_2000 = Date.UTC(2000, 0);

/*
 * Arrays as PostgreSQL sends and receives them in binary: neither the driver has to escape them nor the server to parse them, which
 * together cost a large batch as much as storing it. An array of nothing but NULL is NULL: `unnest` fills it up beside others. As text,
 * NULL in an array is a word where the database has `array_nulls = off`: what may hold one is sent like this wherever a caller's session may be.
 */

/** Where the bytes of a UUID stand in its text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
/** Value of a hexadecimal digit by its character. */
const DIGITS = Uint8Array.from(
  { length: 128 },
  (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0,
);

export function uuidArray(ids: string[]): Buffer {
  const array = start(OID.uuid, ids.length, ids.length * (LENGTH_BYTES + 16));
  let at = HEAD_BYTES;
  for (const id of ids) at = writeUuid(array, array.writeInt32BE(16, at), id);
  return array;
}

/** NULL where none is true. */
export function booleanArray(values: boolean[]): Buffer | null {
  if (!values.includes(true)) return null;
  const array = start(OID.boolean, values.length, values.length * (LENGTH_BYTES + 1));
  let at = HEAD_BYTES;
  for (const value of values) at = array.writeInt8(Number(value), array.writeInt32BE(1, at));
  return array;
}

export function intArray(values: number[]): Buffer {
  const array = start(OID.int, values.length, values.length * 8);
  let at = HEAD_BYTES;
  for (const value of values) at = array.writeInt32BE(value, array.writeInt32BE(4, at));
  return array;
}

export function smallintArray(values: number[]): Buffer {
  const array = start(OID.smallint, values.length, values.length * 6);
  let at = HEAD_BYTES;
  for (const value of values) at = array.writeInt16BE(value, array.writeInt32BE(2, at));
  return array;
}

export function textArray(texts: (string | undefined)[]): Buffer | null {
  if (texts.every((text) => text === undefined)) return null;
  let bytes = 0;
  for (const text of texts)
    bytes += LENGTH_BYTES + (text === undefined ? 0 : Buffer.byteLength(text));
  const array = start(OID.text, texts.length, bytes);
  let at = HEAD_BYTES;
  for (const text of texts) at = writeText(array, at, text);
  return array;
}

export function byteaArray(values: (Buffer | undefined)[]): Buffer | null {
  if (values.every((value) => value === undefined)) return null;
  const bytes = values.reduce((sum, value) => sum + LENGTH_BYTES + (value?.length ?? 0), 0);
  const array = start(OID.bytea, values.length, bytes);
  let at = HEAD_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value?.length ?? NULL_LENGTH, at);
    if (value) at += value.copy(array, at);
  }
  return array;
}

export function timestampArray(dates: (Date | undefined)[]): Buffer | null {
  return wideArray(OID.timestamptz, dates, (array, date, at) =>
    array.writeBigInt64BE(BigInt(date.getTime() - YEAR_2000) * 1_000n, at),
  );
}

export function bigintArray(values: (string | undefined)[]): Buffer | null {
  return wideArray(OID.bigint, values, (array, value, at) =>
    array.writeBigInt64BE(BigInt(value), at),
  );
}

export function floatArray(values: (number | undefined)[]): Buffer | null {
  return wideArray(OID.float, values, (array, value, at) => array.writeDoubleBE(value, at));
}

/** Of elements with eight bytes each. */
function wideArray<T>(
  type: number,
  values: (T | undefined)[],
  write: (array: Buffer, value: T, at: number) => number,
): Buffer | null {
  if (values.every((value) => value === undefined)) return null;
  const bytes = values.reduce<number>(
    (sum, value) => sum + LENGTH_BYTES + (value === undefined ? 0 : 8),
    0,
  );
  const array = start(type, values.length, bytes);
  let at = HEAD_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value === undefined ? NULL_LENGTH : 8, at);
    if (value !== undefined) at = write(array, value, at);
  }
  return array;
}

/** One dimension, from 1 up; elements may be NULL. */
function start(type: number, length: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(HEAD_BYTES + bytes);
  [1, 1, type, length, 1].forEach((value, index) => array.writeInt32BE(value, index * 4));
  return array;
}

function writeText(array: Buffer, at: number, text: string | undefined): number {
  if (text === undefined) return array.writeInt32BE(NULL_LENGTH, at);
  const written = array.write(text, at + LENGTH_BYTES);
  array.writeInt32BE(written, at);
  return at + LENGTH_BYTES + written;
}

/** Twice as fast as taking the hyphens out for `write(..., 'hex')`. */
function writeUuid(array: Buffer, at: number, id: string): number {
  for (let byte = 0; byte < 16; byte++) {
    const place = PLACES[byte]!;
    array[at + byte] = (DIGITS[id.charCodeAt(place)]! << 4) | DIGITS[id.charCodeAt(place + 1)]!;
  }
  return at + 16;
}
