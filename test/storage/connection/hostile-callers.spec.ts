import { beforeAll, describe, expect, it } from '@jest/globals';
import { createMigrations } from '../../../migrations/migrations.js';
import { anEmptyDatabase } from '../../support/database.js';
import { workflow } from '../../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../../lib/workflows/queue-workflows.js';
import { aHostileSchema } from '../../support/hostile-schema.js';
import { aJoining, DOORS } from '../../support/joining-calls.js';
import { aDataSource, openStorage } from '../../support/storage.js';

describe('of a schema in the search path whose functions and operators fit better than those of PostgreSQL, nothing is reached', () => {
  const joining = aJoining({});

  beforeAll(() => aHostileSchema(joining.test.database));

  const hostile = async () => {
    const runner = await joining.begun();
    await runner.query(`set local search_path = evil, public`);
    return runner;
  };

  it.each(Object.entries(DOORS))('by %s', async (_, call) => {
    const runner = await hostile();
    await call({ ...joining.world, manager: runner });
    await runner.commitTransaction();
  });

  it('by calls that put a lost job back', async () => {
    const { queues, waiting, staged } = joining.world;
    for (const place of ['ready', 'scheduled', 'staged'])
      await joining.test.database.query(
        `delete from simple_queue.${place} where id = any($1::uuid[])`,
        [[waiting, staged]],
      );
    const runner = await hostile();
    const { manager } = runner;
    const options = { uniqueKey: 'waiting', onConflict: 'replace', manager } as const;
    expect(await queues.enqueue('mail', 2, options)).toMatchObject({ outcome: 'replaced' });
    expect(await queues.commit(staged, { manager })).toMatchObject({ state: 'ready' });
    await runner.commitTransaction();
  });

  it('by a workflow that is started, found and cancelled', async () => {
    const { options, storage, events } = joining.test;
    const workflows = new QueueWorkflows(storage, options, events);
    const flow = workflow('signup').step('a', 'mail', {}).each('b', 'mail', [1, 2], { after: 'a' });
    const runner = await hostile();
    const { manager } = runner;
    const { id } = await workflows.start(flow, { manager, uniqueKey: 'k', deadlineMs: 60_000 });
    await workflows.start(flow, { manager, uniqueKey: 'k' });
    await workflows.cancel(id, { manager });
    await runner.commitTransaction();
  });

  it('by a completion and a checkpoint', async () => {
    const { storage, rows } = joining.test;
    const runner = await hostile();
    const { id, epoch } = await rows.job({ queue: 'mail', state: 'running' });
    const wish = { id, epoch, text: '{"n": 1}', extraAttempts: 1, maxExtraAttempts: 2 };
    const joined = storage.database.transactionOf({ manager: runner.manager })!;
    await joined.alone(async (run) => {
      expect(await storage.checkpoints.save(run, wish)).toBe(1);
      expect(
        await storage.settlements.complete(run, 'w', {
          id,
          epoch,
          runMs: 1,
          keepMs: 1_000,
          output: undefined,
        }),
      ).toBe(true);
    });
    await runner.commitTransaction();
  });
});

it.each(['all', 'each', 'none'] as const)(
  'of such a schema the tables know nothing, and the session searches what it did: migrations in transactions %s',
  async (transaction) => {
    const database = await anEmptyDatabase();
    await aHostileSchema(database);
    const extra = { max: 1, options: '-c search_path=evil,public' };
    const dataSource = await aDataSource(database.url, { extra, migrations: createMigrations({}) });
    await dataSource.runMigrations({ transaction });
    expect(await dataSource.query('show search_path')).toEqual([{ search_path: 'evil,public' }]);
    const storage = await openStorage(dataSource, { migrate: 'check', wakeUp: 'off' });
    await storage.database.callers.run(
      {
        name: '',
        text: `select simple_queue.enqueue('mail', headers => '{"a": "b"}', max_attempts => 3)`,
      },
      [],
    );
    expect(await dataSource.query('select state from simple_queue.jobs')).toEqual([
      { state: 'ready' },
    ]);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
    await database.drop();
  },
);
