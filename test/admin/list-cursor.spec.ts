import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { cursorText, parseCursor, type Cursor } from '../../lib/admin/list-cursor.js';

const SECTIONS = ['ready', 'scheduled', 'dead', 'blocked', 'fair'];
const id = randomUUID();
const at = '2026-11-21 03:16:10.123456+00';
const texts = (parts: unknown): string => Buffer.from(JSON.stringify(parts)).toString('base64url');

it.each<Cursor>([
  { section: 'ready' },
  { section: 'dead', key: { id } },
  { section: 'scheduled', key: { id, at } },
  { section: 'ready', key: { id, at, priority: -32_768 } },
  { section: 'blocked', key: { id, at: '["a \\"group\\"", 7, "12"]' } },
  { section: 'fair', key: { id, at: `[3, "", 0, "${at}"]` } },
])('comes back as it went: %j', (cursor) => {
  expect(parseCursor(cursorText(cursor), SECTIONS)).toEqual(cursor);
});

it.each([
  ['another section', texts(['archive', id])],
  ['no id', texts(['dead', 'x'])],
  ['no time', texts(['scheduled', id])],
  ['a time that is none', texts(['scheduled', id, "now()'"])],
  ['a day that is none', texts(['scheduled', id, '2026-13-41 03:16:10+00'])],
  ['a day that its month has not', texts(['scheduled', id, '2026-02-31 03:16:10+00'])],
  ['an hour that no day has', texts(['scheduled', id, '2026-02-28 24:00:00+00'])],
  ['a year that no calendar has', texts(['scheduled', id, '0000-02-01 03:16:10+00'])],
  ['no priority', texts(['ready', id, at])],
  ['a priority that is none', texts(['ready', id, at, 1e9])],
  ['no turn', texts(['blocked', id, '["a", 7]'])],
  ['a turn that is none', texts(['blocked', id, `["a", 7, "1'"]`])],
  ['a group that no text holds', texts(['fair', id, `[3, "\\u0000", 0, "${at}"]`])],
  ['a time of a fair queue that is none', texts(['fair', id, '[3, "a", 0, "now"]'])],
  ['no list', texts({ section: 'dead' })],
  ['no JSON', 'garbage'],
])('is refused with %s', (_, text) => {
  expect(() => parseCursor(text, SECTIONS)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  );
});
