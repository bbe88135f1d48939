import { expect, it } from '@jest/globals';
import { isSigned, sign } from './signature.js';

const NOW = 1_700_000_000_000;
const signature = sign('{"a":1}', 'secret', NOW);

it('is recognised by who knows the secret', () => {
  expect(isSigned('{"a":1}', signature, 'secret', NOW)).toBe(true);
});

it.each([
  ['another body', '{"a":2}', signature, 'secret', NOW],
  ['another secret', '{"a":1}', signature, 'guessed', NOW],
  ['another time', '{"a":1}', signature.replace(String(NOW), String(NOW + 1)), 'secret', NOW],
  ['an old request', '{"a":1}', signature, 'secret', NOW + 6 * 60_000],
  ['no signature', '{"a":1}', undefined, 'secret', NOW],
  ['a signature of another form', '{"a":1}', 'v1=abc', 'secret', NOW],
])('is not: %s', (_case, body, given, secret, now) => {
  expect(isSigned(body, given, secret, now)).toBe(false);
});
