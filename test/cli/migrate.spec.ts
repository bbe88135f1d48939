import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMigrations } from '../../migrations/migrations.js';
import { cli } from '../support/cli.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { aDataSource, openStorage } from '../support/storage.js';

describe('migrate', () => {
  let database: TestDatabase;

  beforeEach(async () => void (database = await anEmptyDatabase()));
  afterEach(() => database.drop());

  const migrate = (...argv: string[]) =>
    cli(['migrate', ...argv], { env: { DATABASE_URL: database.url } });
  const columns = () =>
    database.query(
      `select table_name, column_name, data_type, column_default, is_nullable from information_schema.columns
       where table_schema = 'simple_queue' and table_name <> 'migration' order by 1, ordinal_position`,
    );
  const indexes = () =>
    database.query(
      `select indexname, indexdef from pg_indexes where schemaname = 'simple_queue' and tablename <> 'migration' order by 1`,
    );

  it('makes the tables once, and status tells what there is', async () => {
    expect(await migrate('status', '--json')).toMatchObject({
      code: 1,
      json: { state: 'missing', version: 0, needed: 1 },
    });
    expect(await migrate('up')).toMatchObject({
      code: 0,
      out: expect.stringContaining('version 0 -> 1.'),
    });
    expect(await migrate('up', '--json')).toMatchObject({ code: 0, json: { from: 1, to: 1 } });
    expect(await migrate('status', '--json')).toMatchObject({
      code: 0,
      json: { state: 'current', version: 1 },
    });
    await database.query('update simple_queue.version set version = 2');
    expect(await migrate('status', '--json')).toMatchObject({ code: 0, json: { state: 'newer' } });
    await database.query('update simple_queue.version set compatible_from = 2');
    expect(await migrate('status', '--json')).toMatchObject({ code: 1, json: { state: 'ahead' } });
    for (const argv of [['queues'], ['migrate', 'up']])
      expect(await cli(argv, { env: { DATABASE_URL: database.url } })).toMatchObject({
        code: 1,
        err: expect.stringContaining('at version 2'),
      });
    await database.query('update simple_queue.version set version = 0, compatible_from = 0');
    expect((await cli(['queues'], { env: { DATABASE_URL: database.url } })).err).toContain(
      'npx --no simple-queue migrate up',
    );
  });

  it('prints SQL that makes the same, and that a later start and a later "down" know of', async () => {
    const { out } = await migrate('sql');
    expect(out).toBe((await cli(['migrate', 'sql', '--from', '0'])).out);
    await database.query(out);
    const byHand = [await columns(), await indexes()];
    const dataSource = await aDataSource(database.url);
    await (await openStorage(dataSource, { migrate: 'run' })).onApplicationShutdown();
    await dataSource.destroy();
    expect((await migrate('sql')).out).toContain('nothing to do');
    expect(await migrate('down', '--drop', 'simple_queue')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Dropped all tables'),
    });
    expect(await columns()).toEqual([]);
    await migrate('up');
    expect([await columns(), await indexes()]).toEqual(byHand);
  });

  it('goes down only with the name of the schema, and never under a living worker', async () => {
    await migrate('up');
    await database.query(`insert into simple_queue.queue (name) values ('mail')`);
    expect(await migrate('down', '--json')).toMatchObject({
      code: 0,
      json: { dropped: false, queues: [{ queue: 'mail' }] },
    });
    for (const slip of [['--yes'], ['--drop', 'simple-queue'], ['--drop', 'public', '--yes']])
      expect(await migrate('down', ...slip)).toMatchObject({
        code: 2,
        err: expect.stringContaining('asks for the name of the schema: --drop simple_queue'),
      });
    expect(await columns()).not.toEqual([]);
    await database.query(
      `insert into simple_queue.lease (id, shard, worker, expires_at) values (gen_random_uuid(), 0, 'host:1', now() + interval '1 hour')`,
    );
    expect(await migrate('down', '--drop', 'simple_queue')).toMatchObject({
      code: 1,
      err: expect.stringContaining('1 live worker uses them (host:1)'),
    });
    await database.query('delete from simple_queue.lease');
    expect(await migrate('down', '--drop', 'simple_queue', '--json')).toMatchObject({
      code: 0,
      json: { dropped: true },
    });
    expect(await columns()).toEqual([]);
    expect((await migrate('down', '--drop', 'simple_queue')).code).toBe(1);
  });

  it("leaves tables alone that are among an application's own migrations", async () => {
    const dataSource = await aDataSource(database.url, { migrations: createMigrations() });
    await dataSource.runMigrations();
    await dataSource.destroy();
    expect(await migrate('down', '--drop', 'simple_queue')).toMatchObject({
      code: 1,
      err: expect.stringContaining('among the migrations of an application'),
    });
    expect(await columns()).not.toEqual([]);
  });

  it('says so where the role may not make tables', async () => {
    const role = `app_${database.name}`;
    await database.query(`create role ${role} login password 'app'`);
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    const { code, err } = await migrate('up', '--url', url);
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringContaining('This role may not do that'),
    });
    await database.query(`drop role ${role}`);
  });
});
