import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createEntities } from 'nestjs-simple-queue';
import { DataSource, EntitySchema } from 'typeorm';
import { startPostgres } from '../../../sample/local-postgres/local-postgres.ts';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { DESCRIBE_SCHEMA } from '../../../lib/storage/schema/describe-schema.sql.js';
import { driftOf } from '../../../lib/storage/schema/schema-drift.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { eventually } from '../../support/eventually.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { administer, anEmptyDatabase, type TestDatabase } from '../../support/database.js';
import { aDataSource, openStorage } from '../../support/storage.js';

describe('opening the storage', () => {
  let database: TestDatabase;
  const opened: DataSource[] = [];

  beforeEach(async () => void (database = await anEmptyDatabase()));
  afterEach(async () => {
    for (const dataSource of opened.splice(0)) await dataSource.destroy();
    await database.drop();
  });

  const connect = async (options = {}): Promise<DataSource> => {
    const dataSource = await aDataSource(database.url, options);
    opened.push(dataSource);
    return dataSource;
  };
  const open = async (options: Parameters<typeof openStorage>[1] = {}, typeorm = {}) => {
    const storage = await openStorage(await connect(typeorm), options);
    await storage.onApplicationShutdown();
  };
  const exists = async (name: string) =>
    (await database.query('select to_regclass($1) as name', [name]))[0]!.name !== null;

  it('makes the tables once when ten instances start at the same time, and fails none', async () => {
    await Promise.all(Array.from({ length: 10 }, () => open()));
    expect(await database.query('select version from simple_queue.version')).toEqual([
      { version: 1 },
    ]);
    expect(await database.query('select from simple_queue.migration')).toHaveLength(1);
  });

  it('does nothing to tables that are there', async () => {
    await open();
    await database.query(`insert into simple_queue.queue (name) values ('kept')`);
    await open();
    await open({ migrate: 'check' });
    expect(await database.query('select name from simple_queue.queue')).toEqual([{ name: 'kept' }]);
  });

  it('makes them again where a tool that knows only tables has cleared the schema', async () => {
    const entity = createEntities().Jobs;
    await open();
    for (let start = 1; start <= 2; start++)
      await open({}, { entities: [entity], synchronize: true, dropSchema: true });
    await open();
    expect(await database.query('select version from simple_queue.version')).toEqual([
      { version: 1 },
    ]);
  });

  it('uses the schema that it is told, and several beside each other', async () => {
    await open({ schema: 'one' });
    await open({ schema: '_2' });
    expect([
      await exists('one.job'),
      await exists('_2.job'),
      await exists('simple_queue.job'),
    ]).toEqual([true, true, false]);
  });

  // `user.job` is a syntax error.
  it('uses a schema whose name is a word of SQL', async () => {
    await open({ schema: 'user' });
    const storage = await openStorage(await connect(), { schema: 'user' });
    const { id } = await new QueueService(
      storage,
      resolveOptions({ schema: 'user' }).options,
      new QueueEventBus(),
    ).enqueue('mail', 1);
    expect(await database.query('select id, state from "user".jobs')).toEqual([
      { id, state: 'ready' },
    ]);
    expect(await storage.jobs.find(id)).toMatchObject({ state: 'ready' });
    expect(driftOf(await database.query(DESCRIBE_SCHEMA.text, ['user']))).toEqual({
      missing: [],
      changed: [],
      extra: [],
      invalid: [],
    });
    await storage.onApplicationShutdown();
  });

  it("refuses with 'check' where there is no schema, where there are no tables, and where they are older", async () => {
    const behind = { code: 'SCHEMA_BEHIND', message: expect.stringContaining('createMigrations') };
    await expect(open({ migrate: 'check' })).rejects.toMatchObject(behind);
    await database.query('create schema simple_queue');
    await expect(open({ migrate: 'check' })).rejects.toMatchObject(behind);
    await open();
    await database.query('update simple_queue.version set version = 0');
    await expect(open({ migrate: 'check' })).rejects.toMatchObject(behind);
  });

  it('works on tables of a newer release that say they are compatible', async () => {
    await open();
    await database.query('update simple_queue.version set version = 2');
    for (const migrate of ['run', 'check'] as const) await open({ migrate });
    expect(await database.query('select version from simple_queue.version')).toEqual([
      { version: 2 },
    ]);
  });

  it('refuses tables of a newer release that are not, whatever it may do', async () => {
    await open();
    await database.query('update simple_queue.version set version = 2, compatible_from = 2');
    for (const migrate of ['run', 'check'] as const)
      await expect(open({ migrate })).rejects.toMatchObject({ code: 'SCHEMA_AHEAD' });
  });

  it("trusts with 'off'", async () => {
    await open({ migrate: 'off' });
    expect(await exists('simple_queue.job')).toBe(false);
  });

  it("applies nothing of the user's own: entities, synchronize, dropSchema, migrations, subscribers", async () => {
    const Order = new EntitySchema<{ id: number }>({
      name: 'order',
      columns: { id: { type: 'int', primary: true } },
    });
    await database.query('create table kept (id int)');
    let ran = false;
    class Foreign1700000000000 {
      async up(): Promise<void> {
        ran = true;
      }
      async down(): Promise<void> {}
    }
    const dataSource = await connect({ entities: [Order], migrations: [Foreign1700000000000] });
    // What a DataSource says is applied when it connects: ours must not say it again.
    Object.assign(dataSource.options, {
      synchronize: true,
      dropSchema: true,
      migrationsRun: true,
      isolationLevel: 'SERIALIZABLE',
    });

    const storage = await openStorage(dataSource);

    await storage.onApplicationShutdown();
    expect([
      await exists('kept'),
      await exists('"order"'),
      await exists('simple_queue.job'),
      ran,
    ]).toEqual([true, false, true, false]);
  });

  it('leaves no connection behind when it fails', async () => {
    const dataSource = await connect();
    await expect(openStorage(dataSource, { migrate: 'check' })).rejects.toMatchObject({
      code: 'SCHEMA_BEHIND',
    });
    await dataSource.destroy();
    opened.splice(0);
    expect(await sessions()).toBe(0);
  });

  /** Of ours. */
  const sessions = async () =>
    (
      await database.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'nestjs-simple-queue'`,
      )
    ).length;

  it('refuses a DataSource that is not initialized', async () => {
    const dataSource = new DataSource({ type: 'postgres', url: database.url });
    await expect(openStorage(dataSource)).rejects.toMatchObject({ code: 'DATA_SOURCE_NOT_READY' });
  });

  it.each(['mysql', 'better-sqlite3', 'cockroachdb'])(
    'refuses a DataSource of type %s',
    async (type) => {
      const dataSource = { options: { type }, isInitialized: true } as unknown as DataSource;
      await expect(openStorage(dataSource)).rejects.toMatchObject({
        code: 'DATA_SOURCE_UNSUPPORTED',
        message: expect.stringContaining(type),
      });
    },
  );

  it('refuses a server older than PostgreSQL 13', async () => {
    const server = await startPostgres({ version: '12' });
    const old = await anEmptyDatabase(server.url);
    const dataSource = await aDataSource(old.url);
    await expect(openStorage(dataSource)).rejects.toMatchObject({
      code: 'POSTGRES_TOO_OLD',
      message: expect.stringContaining('PostgreSQL 12'),
    });
    await dataSource.destroy();
    await old.drop();
    await server.stop();
  });

  it('waits for a server that is away, and says so once', async () => {
    const line = await TcpProxy.start(database.url);
    const dataSource = await aDataSource(line.url);
    line.stop();
    const events = new QueueEventBus();
    const warnings: { code: string; message: string }[] = [];
    events.on('warning', (warning) => {
      warnings.push(warning);
      void line.pass();
    });
    const storage = await openStorage(dataSource, { wakeUp: 'off' }, events);
    expect(warnings).toEqual([
      { code: 'START_WAITS', message: expect.stringContaining('waits for the database') },
    ]);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    line.stop();
  });

  it('makes the tables once a server that only reads writes', async () => {
    const { name, url } = database;
    await administer(url, `alter database ${name} set default_transaction_read_only = on`);
    const dataSource = await connect();
    const events = new QueueEventBus();
    const reset = [
      'set default_transaction_read_only = off',
      `alter database ${name} reset default_transaction_read_only`,
    ];
    const writing = new Promise((resolve) =>
      events.on('warning', () => resolve(administer(url, ...reset))),
    );
    const storage = await openStorage(dataSource, {}, events);
    await writing;
    await storage.onApplicationShutdown();
    expect(await database.query('select version from simple_queue.version')).toHaveLength(1);
  });

  // It takes longer than the rest of a start.
  it('opens no connection of its own, and leaves the one of the application as it was', async () => {
    await open();
    const dataSource = await connect({ poolSize: 1 });
    const before = await settings(dataSource);
    // Where that one says nothing for seconds, as on a busy machine, a start opens one.
    await eventually(async () => {
      await eventually(async () => expect(await sessions()).toBe(0));
      const storage = await openStorage(dataSource, { wakeUp: 'off' });
      const opened = await sessions();
      await storage.onApplicationShutdown();
      expect(opened).toBe(0);
    });
    expect(await settings(dataSource)).toEqual(before);
  });

  const settings = (dataSource: DataSource): Promise<unknown> =>
    dataSource.query(
      'select pg_backend_pid() as pid, name, setting from pg_settings order by name',
    );

  it('asks by connections of its own where the pool of the application is busy, or its connection broken', async () => {
    const busy = await connect({ poolSize: 1 });
    const runner = busy.createQueryRunner();
    await runner.connect();
    const first = await openStorage(busy, { wakeUp: 'off' });
    await runner.release();
    await first.onApplicationShutdown();

    const broken = await connect();
    const create = broken.createQueryRunner.bind(broken);
    const connecting = () => Promise.reject(new Error('Connection terminated unexpectedly'));
    broken.createQueryRunner = (...given) => Object.assign(create(...given), { connect: connecting }); // prettier-ignore
    await (await openStorage(broken, { wakeUp: 'off' })).onApplicationShutdown();
    expect(await database.query('select version from simple_queue.version')).toHaveLength(1);
  });

  it('asks by connections of its own where the driver is another one', async () => {
    const dataSource = await connect();
    const create = dataSource.createQueryRunner.bind(dataSource);
    dataSource.createQueryRunner = (...given) =>
      Object.assign(create(...given), { connect: () => Promise.resolve({}) });
    const storage = await openStorage(dataSource);
    expect(await database.query('select version from simple_queue.version')).toHaveLength(1);
    await storage.onApplicationShutdown();
  });
});
