import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { createMigrations } from '../../migrations/migrations.js';
import { createEntities } from '../../lib/storage/schema/entities.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { aDataSource, openStorage } from '../support/storage.js';
import { checkPlaces } from '../support/check-places.js';

describe('the migrations', () => {
  let database: TestDatabase;

  beforeEach(async () => void (database = await anEmptyDatabase()));
  afterEach(() => database.drop());

  const tables = async (schema = 'simple_queue') =>
    (
      await database.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = $1 order by 1`,
        [schema],
      )
    ).map((row) => row.name);
  const withMigrations = (...schemas: string[]): Promise<DataSource> =>
    aDataSource(database.url, {
      migrations: schemas.flatMap((schema) => createMigrations({ schema })),
    });

  it('go up, down and up again, and leave nothing of ours behind but the schema', async () => {
    const dataSource = await withMigrations('simple_queue');
    await dataSource.runMigrations();
    const made = await tables();
    expect(made).toEqual(
      expect.arrayContaining([
        'archive',
        'claim',
        'dead_letter',
        'job',
        'jobs',
        'lane',
        'lease',
        'ready',
        'version',
      ]),
    );

    await dataSource.undoLastMigration();
    expect(await tables()).toEqual([]);

    await dataSource.runMigrations();
    expect(await tables()).toEqual(made);
    await dataSource.destroy();
  });

  it('are whole or not there at all where TypeORM opens no transaction', async () => {
    const dataSource = await aDataSource(database.url, {
      migrations: createMigrations(),
      migrationsTransactionMode: 'none',
    });
    await database.query('create schema simple_queue');
    await database.query('create table simple_queue.operator_action ()');
    await expect(dataSource.runMigrations()).rejects.toThrow('operator_action');
    expect(await tables()).toEqual(['operator_action']);
    await expect(openStorage(dataSource, { migrate: 'check' })).rejects.toMatchObject({
      code: 'SCHEMA_BEHIND',
    });

    await database.query('drop table simple_queue.operator_action');
    await dataSource.runMigrations();
    await (await openStorage(dataSource, { migrate: 'check' })).onApplicationShutdown();

    await database.query('create view public.of_mine as select id from simple_queue.workflow');
    const made = await tables();
    await expect(dataSource.undoLastMigration()).rejects.toThrow('depend on them');
    expect(await tables()).toEqual(made);
    await database.query('drop view public.of_mine');
    await dataSource.undoLastMigration();
    expect(await tables()).toEqual([]);
    await dataSource.destroy();
  });

  it("listed in the user's own migrations make a schema that the module accepts with 'check'", async () => {
    const dataSource = await withMigrations('queue_of_mine');
    await dataSource.runMigrations();
    const storage = await openStorage(dataSource, { schema: 'queue_of_mine', migrate: 'check' });
    expect(await checkPlaces(storage)).toEqual([]);
    await storage.onApplicationShutdown();
    expect(await tables()).toEqual([]);
    await dataSource.destroy();
  });

  it('for several schemas have names of their own, however alike the schemas', async () => {
    const schemas = ['q_1', 'q1', 'a_b', 'a__b', 'ab', '_ab'];
    const dataSource = await withMigrations(...schemas);
    expect(await dataSource.runMigrations()).toHaveLength(schemas.length);
    for (const schema of schemas) expect(await tables(schema)).toContain('job');
    await dataSource.destroy();
  });

  it('refuse a schema that is no plain name', () => {
    for (const schema of [
      'a b',
      'a"; drop schema public; --',
      'A',
      '1a',
      'pg_x',
      '',
      'a'.repeat(49),
    ])
      expect(() => createMigrations({ schema })).toThrow(
        expect.objectContaining({ code: 'INVALID_NAME' }),
      );
  });

  it('make partitions for a week of successes and a month of failures', async () => {
    const dataSource = await withMigrations('simple_queue');
    await dataSource.runMigrations();
    const made = await tables();
    expect(made.filter((name) => /^archive_p\d{8}$/.test(name))).toHaveLength(9);
    expect(made.filter((name) => /^dead_letter_p\d{8}$/.test(name))).toHaveLength(6);
    await dataSource.destroy();
  });

  it('work for a role that may create no schema, where somebody made it one', async () => {
    const role = `app_${database.name}`;
    await database.query(`create role ${role} login password 'app'`);
    await database.query(`create schema simple_queue authorization ${role}`);
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    const dataSource = await aDataSource(url);

    const storage = await openStorage(dataSource);

    expect(await checkPlaces(storage)).toEqual([]);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    await database.query(`drop owned by ${role}`);
    await database.query(`drop role ${role}`);
  });

  describe('leave our tables alone when the user lets TypeORM', () => {
    let dataSource: DataSource;

    beforeEach(async () => {
      const first = await aDataSource(database.url);
      await (await openStorage(first)).onApplicationShutdown();
      await first.destroy();
    });
    afterEach(() => dataSource.destroy());

    it.each([[[]], [[createEntities().Jobs]]])(
      'synchronize, with or without our entities',
      async (entities) => {
        const before = await tables();
        dataSource = await aDataSource(database.url, { synchronize: true, entities });
        expect(await tables()).toEqual(before);
        const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
        expect([upQueries, downQueries]).toEqual([[], []]);
      },
    );

    it('also read jobs with the entities that are for it', async () => {
      dataSource = await aDataSource(database.url, { entities: [createEntities().Jobs] });
      const storage = await openStorage(dataSource);
      const lane = await storage.lanes.of('mail', 'welcome');
      const id = '00000000-0000-4000-8000-000000000001';
      await storage.enqueues.insert([
        { id, lane, priority: 3, payload: '{"to":"x"}', givenId: true },
      ]);
      const rows = await dataSource
        .getRepository(createEntities().Jobs.options.name)
        .findBy({ queue: 'mail' });
      expect(rows).toMatchObject([
        {
          id,
          name: 'welcome',
          state: 'ready',
          priority: 3,
          payload: { to: 'x' },
          run_at: expect.any(Date),
        },
      ]);
      await storage.onApplicationShutdown();
    });
  });
});
