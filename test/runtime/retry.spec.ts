import { describe, expect, it } from '@jest/globals';
import { isTransient, sqlStateOf } from '../../lib/runtime/retry.js';

const coded = (code: unknown, message = 'failed') => Object.assign(new Error(message), { code });

describe('what may succeed when it is tried again', () => {
  it.each([
    ...[
      '08006',
      '08P01',
      '53300',
      '53100',
      '57P01',
      '57P02',
      '57P03',
      '40001',
      '40P01',
      '55P03',
      '57014',
      '25006',
    ].map((code) => coded(code)),
    ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'].map(
      (code) => coded(code, ''),
    ),
    ...['EAI_AGAIN', 'ENETUNREACH'].map((code) => coded(code, `getaddrinfo ${code} db`)),
    new Error('Query read timeout'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Connection terminated unexpectedly'),
    new Error('Client has encountered a connection error and is not queryable'),
    { message: 'connect ECONNREFUSED, of another realm' },
  ])('%s', (error) => expect(isTransient(error)).toBe(true));

  it.each([
    coded('23505'),
    coded('42P01'),
    coded('22P02'),
    coded('42501'),
    coded('XX000'),
    new Error('no'),
    null,
    undefined,
    'no',
    7,
  ])('but not %s', (error) => expect(isTransient(error)).toBe(false));
});

describe('an SQLSTATE', () => {
  it.each(['40001', 'P0001', 'XX000', '57P01', 'HV00N'])('is %s', (code) =>
    expect(sqlStateOf(coded(code))).toBe(code),
  );

  it.each(['EPIPE', 'EPERM', 'EBADF', 'ECONNRESET', '4000', 40_001, undefined])(
    'is not %s',
    (code) => expect(sqlStateOf(coded(code))).toBeUndefined(),
  );

  it.each([null, undefined, 'text'])('is not in %s', (error) =>
    expect(sqlStateOf(error)).toBeUndefined(),
  );
});
