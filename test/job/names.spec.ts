import { describe, expect, it } from '@jest/globals';
import fc, { anyText } from '../support/properties.js';
import {
  checkId,
  checkJobName,
  checkQueueName,
  checkSchemaName,
  quote,
} from '../../lib/job/names.js';

const invalidName = expect.objectContaining({ code: 'INVALID_NAME' });

/** Whatever comes in: refused with the code, or answered as it came. */
function answersOrRefuses(check: (name: unknown) => string, name: unknown): string | undefined {
  try {
    const answer = check(name);
    expect(answer).toBe(name);
    return answer;
  } catch (error) {
    expect(error).toMatchObject({ name: 'QueueError', code: 'INVALID_NAME' });
    return undefined;
  }
}

describe('a queue name', () => {
  it.each([
    'mail',
    'a',
    '_',
    '9lives',
    'mail.eu-1:high/prio',
    '__proto__',
    'constructor',
    'x'.repeat(100),
  ])('may be %p', (name) => {
    expect(checkQueueName(name)).toBe(name);
  });

  it.each([
    '',
    ' ',
    '.mail',
    '-mail',
    'mail ',
    'two words',
    'mäil',
    'mail\n',
    'mail\0',
    "mail'; drop table job",
    'm*',
    'x'.repeat(101),
    '\ud800',
  ])('may not be %p', (name) => {
    expect(() => checkQueueName(name)).toThrow(invalidName);
  });

  it('is refused or taken as it is, whatever it is', () => {
    fc.assert(fc.property(fc.anything(), (name) => void answersOrRefuses(checkQueueName, name)));
  });

  it('never holds what SQL, URLs or logs would read as more than a name', () => {
    fc.assert(
      fc.property(anyText(), (name) => {
        expect(answersOrRefuses(checkQueueName, name) ?? '').toMatch(/^[\w.:/-]{0,100}$/);
      }),
    );
  });
});

describe('a job name', () => {
  it('may be empty: the handler is process()', () => {
    expect(checkJobName('')).toBe('');
  });

  it('else follows the rules of a queue name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 110 }), (name) => {
        expect(answersOrRefuses(checkJobName, name)).toBe(answersOrRefuses(checkQueueName, name));
      }),
    );
  });
});

describe('a schema name', () => {
  it.each(['simple_queue', '_', 'a', 'q9', 'x'.repeat(48)])('may be %p', (name) => {
    expect(checkSchemaName(name)).toBe(name);
  });

  it.each([
    '',
    'Simple',
    '9q',
    'pg_catalog',
    'pg_',
    'a-b',
    'a b',
    'a"',
    'ä',
    'public;',
    'x'.repeat(49),
    undefined,
    null,
    {},
  ])('may not be %p', (name) => {
    expect(() => checkSchemaName(name)).toThrow(invalidName);
  });

  it('never needs quoting in SQL', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(answersOrRefuses(checkSchemaName, name) ?? 'a').toMatch(/^[a-z_][a-z0-9_]{0,47}$/);
      }),
    );
  });
});

describe('an id', () => {
  it('is a UUID, answered in lower case', () => {
    fc.assert(fc.property(fc.uuid(), (id) => expect(checkId(id.toUpperCase())).toBe(id)));
  });

  it.each([
    '',
    'not-a-uuid',
    '0190aaaa-0000-7000-8000-00000000000',
    '{0190aaaa-0000-7000-8000-000000000000}',
    7,
    null,
  ])('may not be %p', (id) => {
    expect(() => checkId(id)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});

describe('quote', () => {
  it('shows a bounded part of a text, on one line', () => {
    fc.assert(
      fc.property(anyText(500), (text) => {
        expect(quote(text).length).toBeLessThanOrEqual(6 * 63 + 2);
        expect(quote(text)).not.toMatch(/[\n\r]/);
      }),
    );
  });

  it.each<[unknown, string]>([
    [null, 'null'],
    [undefined, 'undefined'],
    [{ secret: 1 }, 'object'],
    [5, 'number'],
  ])('shows only the kind of %p', (value, shown) => {
    expect(quote(value)).toBe(shown);
  });
});
