import { describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { connectionOptionsOf, sameDatabase } from '../../lib/storage/connection-options.js';

const aDataSource = (options: object): DataSource => ({ options: { type: 'postgres', ...options } }) as unknown as DataSource;

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
      ...{ connectionTimeoutMillis: 77, application_name: 'nestjs-simple-queue' },
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
    const replication = { master: { host: 'writer', database: 'shop' }, slaves: [{ host: 'reader', database: 'shop' }] };
    expect(connectionOptionsOf(aDataSource({ replication, ssl: true }))).toMatchObject({ host: 'writer', ssl: true });
  });

  it('has what only the driver knows, and a password that is asked for', () => {
    const password = () => 'fresh';
    expect(connectionOptionsOf(aDataSource({ host: 'db', password, extra: { options: '-c x=y' } }))).toMatchObject({
      password,
      options: '-c x=y',
    });
  });

  it("leaves out what was not given, so that the driver's own defaults hold", () => {
    expect(Object.values(connectionOptionsOf(aDataSource({})))).not.toContain(undefined);
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
