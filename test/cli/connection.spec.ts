import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aStorage, type TestStorage } from '../support/storage.js';
import { cli } from '../support/cli.js';

describe('a command that cannot reach its tables', () => {
  let test: TestStorage;
  let url: URL;

  beforeAll(async () => {
    test = await aStorage();
    url = new URL(test.database.url);
  });
  afterAll(() => test.close());

  const at = (change: Partial<URL>): string => Object.assign(new URL(url), change).href;
  const secret = (): string => url.password;

  it.each<[string, () => string[], string]>([
    [
      'a wrong password',
      () => ['--url', at({ password: 'sesame' })],
      'password authentication failed for user "postgres"',
    ],
    [
      'no such database',
      () => ['--url', at({ pathname: '/nowhere' })],
      'database "nowhere" does not exist',
    ],
    ['no server', () => ['--url', at({ port: '1' })], 'Cannot connect to 127.0.0.1:1/'],
    // ENOTFOUND, or EAI_AGAIN where no server of names answers.
    ['no such host', () => ['--url', at({ hostname: 'nowhere.invalid' })], 'getaddrinfo E'],
    [
      'no tables',
      () => ['--url', at({}), '--schema', 'elsewhere'],
      'There are no queue tables in schema "elsewhere"',
    ],
  ])('says so in a line, with what to do, and fails: %s', async (_, flags, message) => {
    const { code, out, err } = await cli(['queues', ...flags()]);
    expect({ code, out, lines: err.trim().split('\n').length }).toEqual({
      code: 1,
      out: '',
      lines: 2,
    });
    expect(err).toContain(message);
    expect(err).not.toContain('sesame');
    expect(err).not.toContain(secret());
  });

  it('names the limit of the role where that one is full, and not the server alone', async () => {
    const role = `limited_${process.pid}`;
    await test.database.query(`create role ${role} login password 'in' connection limit 0`);
    const { code, err } = await cli(['queues', '--url', at({ username: role, password: 'in' })]);
    await test.database.query(`drop role ${role}`);
    expect(code).toBe(1);
    expect(err).toContain(`too many connections for role "${role}"`);
    expect(err).toContain('a named CONNECTION LIMIT,');
    expect(err).toContain('CONNECTION LIMIT of the role or database that is named');
  });

  it.each<[string, string[], string]>([
    ['no address at all', [], 'No database is named'],
    ['an address that is none', ['--url', 'sesame@home'], '--url is not an address'],
    [
      'another kind of database',
      ['--url', 'mysql://root:sesame@home/x'],
      '--url is not an address',
    ],
    [
      'a schema that is no name',
      ['--schema', 'a"; drop schema public', '--url', 'postgres://home/x'],
      'is not a schema name',
    ],
    ['a time that is none', ['--timeout', 'soon'], '--timeout'],
    ['an unknown flag', ['--jsno'], 'Did you mean --json?'],
    ['an unknown command', ['ques'], 'unknown command'],
  ])('says that the call is wrong, and does nothing: %s', async (_, argv, message) => {
    const { code, out, err } = await cli(argv[0] === 'ques' ? argv : ['queues', ...argv]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).not.toContain('sesame');
  });

  it.each([
    'postgres://app:1234/Hunter2@127.0.0.1:1/db',
    'postgres://app:12/34/Hunter2@127.0.0.1:1/db',
    'postgres://app:1234?Hunter2@127.0.0.1:1/db',
    'postgres://app:1234#Hunter2@127.0.0.1:1/db',
    'postgres://app:x@y/Hunter2@127.0.0.1:1/db',
    'postgres://app:x@127.0.0.1?Hunter2@127.0.0.1:1/db',
    'postgres://app:Hunter2',
    'postgres:app:Hunter2@127.0.0.1/db',
    'postgres:app:Hunter2',
    'postgres://127.0.0.1:1/db;password=Hunter2',
    'postgres://127.0.0.1:1/db&password=Hunter2',
    'postgres://app:Hunter2@127.0.0.1:one/db',
    'postgres://app:%Hunter2@127.0.0.1 :1/db',
    'host=127.0.0.1 password=Hunter2',
    'postgres:host=127.0.0.1 password=Hunter2',
    'app:Hunter2@127.0.0.1/db',
  ])('repeats nothing of an address that is torn: %s', async (address) => {
    const calls = [
      cli(['queues', '--url', address]),
      cli(['queues', '--url', address, '--json']),
      cli(['queues'], { env: { DATABASE_URL: address } }),
      cli(['queues'], { env: { PGHOST: address } }),
      cli(['queues'], { env: { PGDATABASE: address, PGHOST: '127.0.0.1', PGPORT: '1' } }),
      cli(['queues'], { env: { PGPORT: address } }),
    ];
    for (const { code, out, err } of await Promise.all(calls)) {
      expect(`${out}${err}`).not.toContain('Hunter2');
      expect({ code, out }).toEqual({ code: 2, out: '' });
    }
  });

  it.each([
    'postgres://app:Hun%2Fter2@127.0.0.1:1/db',
    'postgres://app:Hun@ter2@127.0.0.1:1/db',
    'postgres://127.0.0.1:1/db?password=Hunter2&user=app',
    'postgres://app:Hunter2@/db?host=127.0.0.1&port=1',
    'postgres://app@127.0.0.1:1/db?sslmode=no-verify&sslpassword=Hunter2',
    'postgres://app:Hunter2@127.0.0.1:1/db?sslmode=verify-full&sslrootcert=/none/Hunter2.pem',
  ])('never tells a password, where the address is whole: %s', async (address) => {
    const { code, err } = await cli(['queues', '--url', address], {
      env: { PGPASSWORD: 'Hunter2' },
    });
    expect(err).not.toMatch(/Hun|ter2/);
    expect(code).toBeGreaterThan(0);
  });

  it.each([
    ['--urll=postgres://app:Hunter2@home/db'],
    ['postgres://app:Hunter2@home/db'],
    ['queues', '--urll=postgres://a:1/Hunter2@home/db'],
  ])('does not repeat the address in a wrong call: %s', async (...argv) => {
    for (const json of [[], ['--json']])
      expect((await cli([...argv, ...json])).err).not.toContain('Hunter2');
  });

  const ODD = 'a\u001b[2J\u009b31m\r\nerror: all is well\u202e\u3164b';

  it.each<[string, string[]]>([
    ['an unknown flag', ['queues', `--${ODD}`]],
    ['an unknown command', [ODD]],
    ['a value of a flag', ['jobs', `--limit=${ODD}`]],
    ['a shared value', ['--timeout', ODD, 'queues']],
    ['a state', ['jobs', '--state', ODD]],
    [
      'a queue',
      ['cancel', '--queue', ODD, '--unique-key', 'k', '--url', 'postgres://127.0.0.1:1/x'],
    ],
    ['an id', ['job', ODD]],
    ['one argument too many', ['job', 'a', ODD]],
    ['an address', ['queues', '--url', ODD]],
    ['a schema', ['queues', '--schema', ODD, '--url', 'postgres://127.0.0.1:1/x']],
    ['a variable', ['queues']],
  ])('writes no control character of what was typed: %s', async (what, argv) => {
    const env = { PGHOST: '127.0.0.1', PGPORT: '1', PGDATABASE: what === 'a variable' ? ODD : 'x' };
    for (const json of [[], ['--json']]) {
      const { code, out, err } = await cli([...argv, ...json], { env });
      expect(code).toBeGreaterThan(0);
      expect(`${out}${err}`).not.toMatch(/[^\P{Cc}\n]|[\u202e\u3164]/u);
      expect(err).not.toMatch(/^error: all is well/m);
    }
  });

  it.each<[string, string[], string]>([
    ['a flag', ['queues', '--nosuch', '--json'], "unknown option '--nosuch'"],
    ['a value', ['--json', 'jobs', '--limit', '1e308'], 'It takes a whole number.'],
    ['no command', ['--json'], 'Which command?'],
    [
      'a version that no release made',
      ['migrate', 'sql', '--from', '-1', '--json'],
      '--from must be from 0',
    ],
  ])('says in JSON, too, that the call is wrong: %s', async (_, argv, message) => {
    const { code, out, err } = await cli(argv);
    expect({ code, out, error: JSON.parse(err) as unknown }).toEqual({
      code: 2,
      out: '',
      error: { error: { code: 'INVALID_OPTION', message: expect.stringContaining(message) } },
    });
  });

  it('says where it went by what the driver goes by, and what to do where TLS is the matter', async () => {
    const elsewhere = `postgres://home:5/x?host=127.0.0.1&port=1&sslmode=no-verify`;
    expect((await cli(['queues', '--url', elsewhere])).err).toContain(
      'Cannot connect to 127.0.0.1:1/x: ',
    );
    const { err } = await cli(['queues', '--url', at({ search: '?sslmode=no-verify' })]);
    expect(err).toContain('Leave sslmode out of the address');
  });

  it('points at the doctor where a table is missing, and at the primary where the server only reads', async () => {
    const database = test.database.name;
    await test.database.query('alter table simple_queue.claim rename to lost');
    expect((await cli(['queues', '--url', at({})])).err).toContain('` says what is missing');
    await test.database.query('alter table simple_queue.lost rename to claim');
    await test.database.query(`alter database ${database} set default_transaction_read_only = on`);
    const { err } = await cli(['enqueue', 'mail', '1', '--new-queue', '--url', at({})]);
    expect(err).toContain('Name the primary');
  });

  it('says it in JSON where JSON is asked for', async () => {
    const { code, err } = await cli(['queues', '--json', '--url', at({ pathname: '/nowhere' })]);
    expect({ code, error: JSON.parse(err) as unknown }).toEqual({
      code: 1,
      error: {
        error: {
          code: 'DATABASE_ERROR',
          message: expect.any(String),
          hint: 'Check the name of the database.',
        },
      },
    });
  });
});
