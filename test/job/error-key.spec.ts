import { describe, expect, it } from '@jest/globals';
import { errorKeyOf } from '../../lib/job/values/error-key.js';
import { failureOf } from '../../lib/job/failure.js';

const own = (at: string) =>
  `Error: x\n    at new Socket (node:net:1:2)\n    at send (/app/node_modules/mailer/lib/index.js:4:5)\n    at ${at}`;
const keyOf = (message: string, at = 'MailHandler.process (/srv/one/mail.handler.js:10:5)') =>
  errorKeyOf({ name: 'Error', message, stack: own(at) });

describe('the key of an error', () => {
  it.each([
    ['user 42 not found', 'user 7,001 not found'],
    ['no job 0190f3c2-7b5e-7c1a-9d57-3f2f6f1c2a10', 'no job 0190F3C2-0000-7c1a-9d57-3f2f6f1c2a10'],
    ['key "a" exists', 'key "another one" exists'],
    ["column 'a' is null", "column 'b' is null"],
    ['hash deadbeef1234 differs', 'hash 0123abcd differs'],
    ['took 1.5 s', 'took 20 s'],
  ])('is the same for %j and %j', (a, b) => expect(keyOf(a)).toBe(keyOf(b)));

  it.each([
    ['not found', 'timed out'],
    ['user not found', 'order not found'],
  ])('tells %j from %j', (a, b) => expect(keyOf(a)).not.toBe(keyOf(b)));

  it('knows the place by function and file, whatever the folder and the line', () => {
    const here = keyOf('x');
    expect(keyOf('x', 'MailHandler.process (file:///opt/two/mail.handler.js:99:1)')).toBe(here);
    expect(keyOf('x', String.raw`MailHandler.process (C:\app\mail.handler.js:9:1)`)).toBe(here);
    expect(keyOf('x', 'BillHandler.process (/srv/one/mail.handler.js:10:5)')).not.toBe(here);
  });

  it('tells classes and codes apart, and takes whatever was thrown', () => {
    const keys = [new TypeError('x'), new RangeError('x'), 'x', null, Object.assign(new Error('x'), { code: 'E1' })].map((thrown) => errorKeyOf({ ...failureOf(thrown), stack: '' })); // prettier-ignore
    expect(new Set(keys).size).toBe(5);
    expect(keys.every((key) => /^[0-9a-f]{16}$/.test(key))).toBe(true);
  });

  it('takes a hostile message in its time', () => {
    expect(errorKeyOf({ name: 'E', message: '"'.repeat(2_000) + 'a1'.repeat(1_000) })).toHaveLength(16); // prettier-ignore
  });
});
