import { expect, it } from '@jest/globals';
import { visibleJson } from '../../lib/cli/show/visible.js';
import { visible } from '../../lib/job/values/unseen.js';

it.each([
  ['a\u001b[31m\r\nb\t', String.raw`a\u001b[31m\u000d\nb\t`],
  ['\u00ad\u061c\u180e\u200b\u200e\u200f', String.raw`\u00ad\u061c\u180e\u200b\u200e\u200f`],
  [
    '\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff',
    String.raw`\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff`,
  ],
  [
    '\u034f\u115f\u1160\u17b4\u180b\u3164\uffa0\ufff0',
    String.raw`\u034f\u115f\u1160\u17b4\u180b\u3164\uffa0\ufff0`,
  ],
  [
    'a\ufe0f\ufe00\u{e0000}\u{e0001}\u{e0100}\u{e007f}',
    String.raw`a\ufe0f\ufe00\udb40\udc00\udb40\udc01\udb40\udd00\udb40\udc7f`,
  ],
  ['ma\u200d\u200d\u200dil\u200c', String.raw`ma\u200d\u200d\u200dil\u200c`],
  ['\u{e0041}', String.raw`\udb40\udc41`],
  [
    'naïve 日本語 👩\u200d👧 می\u200cخواهم ❤\ufe0f 👁\ufe0f\u200d🗨\ufe0f',
    'naïve 日本語 👩\u200d👧 می\u200cخواهم ❤\ufe0f 👁\ufe0f\u200d🗨\ufe0f',
  ],
])('shows %j as %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
  expect(JSON.parse(visibleJson({ text }))).toEqual({ text });
});

it.each([undefined, 2])(
  'writes what is nested too deep for a stack, indented by %s or not',
  (indent) => {
    const text = `${'[{"a":null,"b":[1,"\u200b"],"c":'.repeat(50_000)}"end"${'}]'.repeat(50_000)}`;
    expect(visibleJson(JSON.parse(text), indent)).toBe(
      text.replaceAll('\u200b', String.raw`\u200b`),
    );
    const within = {
      at: new Date(0),
      no: undefined,
      list: [undefined, []],
      deep: JSON.parse(text) as unknown,
    };
    const rest = visibleJson(within).split(',"deep":')[0];
    expect(rest).toBe('{"at":"1970-01-01T00:00:00.000Z","list":[null,[]]');
  },
);
