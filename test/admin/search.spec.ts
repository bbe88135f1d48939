import { describe, expect, it } from '@jest/globals';
import type { Ago } from '../../lib/runtime/ago.js';
import { meets } from '../../lib/admin/field-conditions.js';
import { checkFilter, type JobFilter } from '../../lib/admin/job-filter.js';
import { parseSearch } from '../../lib/admin/search.js';

const ID = '0190f3c2-7b5e-7c1a-9d57-3f2f6f1c2a10';
const refused = (text: string): string => {
  try {
    parseSearch(text);
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('a search', () => {
  it.each<[string, JobFilter]>([
    ['', {}],
    ['  queue:mail   name:welcome ', { queue: 'mail', name: 'welcome' }],
    ['queue:eu/mail.a', { queue: 'eu/mail.a' }],
    ['state:failed,running', { state: ['failed', 'running'] }],
    ['state:dead', { state: ['failed', 'critical', 'unprocessable', 'poisoned', 'expired'] }],
    ['key:order:7 tag:"customer 42"', { uniqueKey: 'order:7', fingerprint: 'customer 42' }],
    ['name:', { name: '' }],
    [ID, { id: ID }],
    [`id:${ID.toUpperCase()}`, { id: ID }],
    ['group:a workflow:w schedule:nightly worker:host:12', { group: 'a', workflowId: 'w', schedule: 'nightly', worker: 'host:12' }], // prettier-ignore
    [String.raw`error:"connect \"db\" timed out"`, { error: 'connect "db" timed out' }],
    ['attempt:>2', { attempts: { min: 3 } }],
    ['attempt:<=2', { attempts: { max: 2 } }],
    ['attempt:2', { attempts: { min: 2, max: 2 } }],
    ['since:2026-11-21T10:00:00Z', { since: new Date('2026-11-21T10:00:00Z') }],
    ['error-key:abc', { errorKey: 'abc' }],
    [
      'payload.order.id:42 payload.items.0.sku:"a b" output.total:>=100 payload.x:!="<"',
      {
        where: [
          { of: 'payload', path: ['order', 'id'], comparison: '=', value: '42' },
          { of: 'payload', path: ['items', '0', 'sku'], comparison: '=', value: 'a b' },
          { of: 'output', path: ['total'], comparison: '>=', value: '100' },
          { of: 'payload', path: ['x'], comparison: '!=', value: '<' },
        ],
      },
    ],
  ])('%s', (text, filter) => {
    expect(parseSearch(text)).toEqual(filter);
    expect(() => checkFilter('jobs', parseSearch(text))).not.toThrow();
  });

  it('takes how long ago something was', () => {
    const { since } = parseSearch('since:2h');
    expect(Date.now() - since!.getTime()).toBeGreaterThanOrEqual(2 * 3_600_000);
  });

  it('counts an age by the clock of the database, once', async () => {
    const since = parseSearch('since:2h').since as Ago;
    await since.set(async () => 8 * 3_600_000);
    await since.set(async () => 0);
    expect(since.getTime()).toBeLessThanOrEqual(6 * 3_600_000);
    expect(since.getTime()).toBeGreaterThan(5 * 3_600_000);
  });

  it.each([
    ['quue:mail', '"quue" is not known (did you mean "queue"?)'],
    ['payloads.id:4', 'did you mean "payload.<path>"?'],
    ['colour:red', 'it takes queue, name, state'],
    ['timeout', '"timeout" has no word before it, such as error:timeout'],
    ['state:faild', '"state:" takes staged, blocked'],
    ['state:faild', 'Did you mean "failed"?'],
    ['state:', '"state:" takes'],
    ['attempt:many', '"attempt:" takes a number'],
    ['attempt:>', '"attempt:" takes a number'],
    ['since:yesterday', '"since:" takes a time, or how long ago'],
    ['id:7', '"id:" takes a UUID'],
    ['payload:4', '"payload" is not known'],
    ['payload.:4', 'takes a path and a value'],
    ['payload.id:', 'takes a path and a value'],
    ['queue:a queue:b', '"queue" is said twice'],
    ['__proto__:4 constructor:5', '"constructor" is not known'],
    ['quue:a staet:b', '"staet" is not known (did you mean "state"?)'],
    ['x'.repeat(2_001), 'a text of at most 2000 characters'],
  ])('%s is refused', (text, problem) => expect(refused(text)).toContain(problem));

  it.each([
    ['9007199254740993', '=', '9007199254740993', true],
    ['9007199254740993', '=', '9007199254740992', false],
    ['"42"', '=', '42', true],
    ['42.0', '=', '42', true],
    ['101', '>', '100', true],
    ['9', '>', '100', false],
    ['"b"', '>', 'a', true],
    ['true', '=', 'true', true],
    ['null', '=', 'null', true],
    ['{"a":1}', '!=', 'x', true],
    ['"cut in the mid', '=', 'x', false],
    [null, '!=', 'x', false],
  ] as const)('%s %s %s is %s', (found, comparison, value, holds) => {
    expect(meets([{ of: 'payload', path: ['a'], comparison, value }], [found])).toBe(holds);
  });
});
