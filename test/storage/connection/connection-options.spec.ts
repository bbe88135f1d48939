import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import {
  connectionOptionsOf,
  sameDatabase,
} from '../../../lib/storage/connection/connection-options.js';

const aDataSource = (options: object): DataSource =>
  ({ options: { type: 'postgres', ...options } }) as unknown as DataSource;

describe("how to reach the DataSource's database", () => {
  it("is taken from its parts, in the driver's words", () => {
    const options = {
      host: 'db',
      port: 6_432,
      username: 'app',
      password: 'secret',
      database: 'shop',
      ssl: true,
      connectTimeoutMS: 77,
    };
    expect(connectionOptionsOf(aDataSource(options))).toEqual({
      ...{ host: 'db', port: 6_432, user: 'app', password: 'secret', database: 'shop', ssl: true },
      ...{ connectionTimeoutMillis: 77, application_name: 'nestjs-simple-queue', keepAlive: true },
      ...{ binary: false, pipeline: false, types: expect.anything() },
    });
  });

  it('is taken from its URL', () => {
    const url = 'postgres://app@db/shop';
    expect(connectionOptionsOf(aDataSource({ url, applicationName: 'shop' }))).toMatchObject({
      connectionString: url,
      application_name: 'shop',
    });
  });

  it('is the writer where it replicates', () => {
    const replication = {
      master: { host: 'writer', database: 'shop' },
      slaves: [{ host: 'reader', database: 'shop' }],
    };
    expect(connectionOptionsOf(aDataSource({ replication, ssl: true }))).toMatchObject({
      host: 'writer',
      ssl: true,
    });
  });

  it('has what only the driver knows, and a password that is asked for', () => {
    const password = () => 'fresh';
    expect(
      connectionOptionsOf(aDataSource({ host: 'db', password, extra: { options: '-c x=y' } })),
    ).toMatchObject({
      password,
      options: '-c x=y',
    });
  });

  it("leaves out what was not given, so that the driver's own defaults hold", () => {
    expect(Object.values(connectionOptionsOf(aDataSource({})))).not.toContain(undefined);
  });
});

describe('a connection of ours', () => {
  const { PGSSLMODE } = process.env;
  afterEach(() => {
    if (PGSSLMODE === undefined) delete process.env.PGSSLMODE;
    else process.env.PGSSLMODE = PGSSLMODE;
  });
  const url = 'postgres://app@db/shop';
  /** What the driver makes of it. */
  const transport = (options: object, elsewhere?: string) =>
    new pg.Client(connectionOptionsOf(aDataSource(options), elsewhere)) as pg.Client & {
      ssl: unknown;
    };

  it.each<[string, object, unknown]>([
    ['ssl: true', { host: 'db', ssl: true }, true],
    ['settings', { url, ssl: { rejectUnauthorized: false } }, { rejectUnauthorized: false }],
    [
      'settings for the driver alone',
      { host: 'db', extra: { ssl: { ca: 'ours' } } },
      { ca: 'ours' },
    ],
    ['sslmode in the address', { url: `${url}?sslmode=no-verify` }, { rejectUnauthorized: false }],
    ['an unknown sslmode, which is TLS to the driver', { url: `${url}?sslmode=allow` }, {}],
    [
      'the settings of the writer',
      { replication: { master: { url, ssl: { ca: 'its' } }, slaves: [] } },
      { ca: 'its' },
    ],
    ['nothing', { url }, false],
    ['clear text', { url: `${url}?sslmode=disable`, ssl: true }, false],
  ])('has the transport of the DataSource, elsewhere too: %s', (_, options, ssl) => {
    for (const elsewhere of [undefined, 'postgres://other@direct:5433/shop'])
      expect(transport(options, elsewhere).ssl).toEqual(ssl);
  });

  it('has another transport only where the address elsewhere says so, or is a socket of this machine', () => {
    expect(transport({ url, ssl: true }, 'postgres://a@direct/shop?sslmode=disable').ssl).toBe(
      false,
    );
    expect(transport({ url }, 'postgres://a@direct/shop?sslmode=no-verify').ssl).toEqual({
      rejectUnauthorized: false,
    });
    expect(transport({ url, ssl: true }, 'postgres://a@/shop?host=/run/postgresql').ssl).toBe(
      false,
    );
  });

  it('keeps the private key in each copy, which a pool hides on the object that it gets', async () => {
    const options = { host: 'db', ssl: { key: 'private', cert: 'public' } };
    await new pg.Pool({ ssl: options.ssl }).end();
    for (const elsewhere of [undefined, 'postgres://a@direct/shop']) {
      await new pg.Pool(connectionOptionsOf(aDataSource(options), elsewhere)).end();
      const { ssl } = connectionOptionsOf(aDataSource(options), elsewhere);
      expect(structuredClone(ssl)).toEqual({ key: 'private', cert: 'public' });
    }
  });

  it('takes nothing else of the address to elsewhere', () => {
    const options = {
      host: 'db',
      port: 6_432,
      username: 'app',
      password: 'secret',
      database: 'shop',
      ssl: true,
    };
    const { host, port, user, password, database } = transport(options, 'postgres://a:b@direct/x');
    expect({ host, port, user, password, database }).toEqual({
      ...{ host: 'direct', port: 5_432, user: 'a', password: 'b', database: 'x' },
    });
  });

  it.each(['require', 'no-verify'])('goes by PGSSLMODE=%s where nothing else is said', (mode) => {
    process.env.PGSSLMODE = mode;
    for (const elsewhere of [undefined, 'postgres://a@direct/shop'])
      expect(transport({ url }, elsewhere).ssl).toEqual(
        mode === 'require' ? true : { rejectUnauthorized: false },
      );
  });

  it.each(['allow', 'requrie', 'Require'])(
    'is never in clear text by a slip: PGSSLMODE=%s',
    (mode) => {
      process.env.PGSSLMODE = mode;
      const refusal = {
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`PGSSLMODE is "${mode}"`),
      };
      expect(() => connectionOptionsOf(aDataSource({ url }))).toThrow(
        expect.objectContaining(refusal),
      );
      expect(transport({ url, ssl: true }).ssl).toBe(true);
      expect(transport({ url: `${url}?sslmode=disable` }).ssl).toBe(false);
    },
  );

  it.each(['', 'false', 'yes'])('is never in clear text by a slip: ssl=%s', (ssl) => {
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION' });
    expect(() => connectionOptionsOf(aDataSource({ url: `${url}?ssl=${ssl}`, ssl: true }))).toThrow(
      refusal,
    );
    expect(() => connectionOptionsOf(aDataSource({ host: 'db', ssl }))).toThrow(refusal);
    expect(() => connectionOptionsOf(aDataSource({ url, ssl: true }), `${url}?ssl=${ssl}`)).toThrow(
      refusal,
    );
  });

  it.each([
    'postgres://app:hunter2@db:no/shop',
    'postgres://app:hunter2%E0%A4@db/shop',
    `${url}?sslcert=hunter2`,
    'postgres://app:1/hunter2@db/shop',
    'postgres://app:1#hunter2@db/shop',
    'postgresql://app:1?hunter2@db',
  ])('repeats nothing of an address that cannot be used: %s', (bad) => {
    const refusal = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.not.stringContaining('hunter'),
    });
    for (const make of [
      () => connectionOptionsOf(aDataSource({ url }), bad),
      () => connectionOptionsOf(aDataSource({ url: bad })),
      () => connectionOptionsOf(aDataSource({ extra: { connectionString: bad } })),
      () => connectionOptionsOf(aDataSource({ replication: { master: { url: bad }, slaves: [] } })),
    ])
      expect(make).toThrow(refusal);
  });

  it.each([{}, { connectTimeoutMS: 0 }, { extra: { connectionTimeoutMillis: 0 } }])(
    'has a bound to connect in: %j',
    (options) => {
      for (const elsewhere of [undefined, url])
        expect(connectionOptionsOf(aDataSource(options), elsewhere).connectionTimeoutMillis).toBe(
          10_000,
        );
    },
  );

  it('opens no stream that the options name, only to look at them', () => {
    const stream = () => {
      throw new Error('It was opened.');
    };
    const options = connectionOptionsOf(aDataSource({ extra: { stream } }));
    expect(options).toMatchObject({ stream });
  });
});

describe('two DataSources reach the same database', () => {
  const same = (a: object, b: object) => sameDatabase(aDataSource(a), aDataSource(b));

  it.each([
    [{ url: 'postgres://a:b@db:5432/shop' }, { url: 'postgresql://other@db/shop?sslmode=disable' }],
    [{ url: 'postgres://a@db/my%20shop' }, { host: 'db', database: 'my shop' }],
    [
      { host: 'db', port: 5_432, database: 'shop' },
      { host: 'db', database: 'shop', username: 'other' },
    ],
    [{ database: 'shop' }, { host: 'localhost', database: 'shop' }],
    [
      { host: 'db', port: '5433', database: 'shop' },
      { host: 'db', port: 5_433, database: 'shop' },
    ],
  ])('%j and %j', (a, b) => {
    expect(same(a, b)).toBe(true);
    expect(same(b, a)).toBe(true);
  });

  it.each([
    [{ url: 'postgres://a@db/shop' }, { url: 'postgres://a@db/other' }],
    [{ url: 'postgres://a@db/shop' }, { url: 'postgres://a@db:5433/shop' }],
    [{ url: 'postgres://a@db/shop' }, { host: 'db2', database: 'shop' }],
  ])('but not %j and %j', (a, b) => expect(same(a, b)).toBe(false));

  it('is the same one in any case when it is one and the same', () => {
    const dataSource = aDataSource({ url: 'no url at all' });
    expect(sameDatabase(dataSource, dataSource)).toBe(true);
  });
});
