import { expect, it } from '@jest/globals';
import { visible, visibleJson } from '../../lib/cli/visible.js';

it.each([
  ['a\u001b[31m\r\nb\t', String.raw`a\u001b[31m\u000d\nb\t`],
  ['\u00ad\u061c\u180e\u200b\u200e\u200f', String.raw`\u00ad\u061c\u180e\u200b\u200e\u200f`],
  ['\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff', String.raw`\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff`],
  ['\u{e0041}', String.raw`\udb40\udc41`],
  ['naïve 日本語 👩\u200d👧 می\u200cخواهم', 'naïve 日本語 👩\u200d👧 می\u200cخواهم'],
])('shows %j as %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
  expect(JSON.parse(visibleJson({ text }))).toEqual({ text });
});
