import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { JobResult } from '../../lib/job/job-result.js';
import { UnprocessableError } from '../../lib/job/queue.errors.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import type { PartitionedTable } from '../../lib/storage/schema/partition.repository.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { Rival } from '../support/storage.js';
import { eventually } from '../support/eventually.js';
import { checkPlaces } from '../support/check-places.js';

const gone = () =>
  new DatabaseError('run "put_back"', new Error('Connection terminated unexpectedly'));

describe('settling under faults', () => {
  let database: TestDatabase;
  let application: TestApplication;

  beforeAll(async () => {
    database = await aDatabase();
  });

  afterEach(async () => {
    expect(await checkPlaces(application.storage)).toEqual([]);
    await application.close();
  });

  afterAll(() => database.drop());

  it('loses no run of a round whose first statement failed', async () => {
    const release: (() => void)[] = [];
    const held = () => new Promise<void>((resolve) => release.push(resolve));
    application = await anApplication(database, {
      providers: [
        aHandler('again', () => held().then(() => JobResult.rescheduleIn(60_000))),
        aHandler('never', () =>
          held().then(() => {
            throw new UnprocessableError('no');
          }),
        ),
      ],
    });
    const { queues, storage } = application;
    const putBack = storage.settlements.putBack.bind(storage.settlements);
    let failures = 0;
    storage.settlements.putBack = (returns) =>
      failures++ === 0 ? Promise.reject(gone()) : putBack(returns);
    const again = await queues.enqueue('again', {});
    const never = await queues.enqueue('never', {});
    await eventually(() => expect(release).toHaveLength(2));

    release.forEach((resolve) => resolve());

    await eventually(async () => {
      expect((await queues.find(again.id))?.state).toBe('scheduled');
      expect((await queues.find(never.id))?.state).toBe('unprocessable');
    });
    expect(failures).toBeGreaterThan(1);
    await queues.cancel({ id: again.id });
  });

  it("goes on with everything else while a caller's open transaction cancels a job that has just finished", async () => {
    let finish = (): void => undefined;
    const held = new Promise<void>((resolve) => (finish = resolve));
    application = await anApplication(database, {
      providers: [aHandler('asked', () => held), aHandler('free', () => undefined)],
    });
    const { queues, dataSource } = application;
    const { id } = await queues.enqueue('asked', {});
    await eventually(() => expect(application.seen('started')).toHaveLength(1));
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    expect(await queues.cancel({ id }, { manager: runner })).toEqual({
      cancelled: 0,
      requested: 1,
    });

    finish();
    await queues.enqueueMany(
      'free',
      Array.from({ length: 50 }, () => ({ payload: {} })),
    );

    await eventually(() => expect(application.seen('succeeded')).toHaveLength(50));
    expect((await queues.find(id))?.state).toBe('running');
    await runner.rollbackTransaction();
    await runner.release();
    await eventually(async () => expect((await queues.find(id))?.state).toBe('succeeded'));
  });

  it.each([JobResult.fail('no'), JobResult.cancel('no')])(
    'sets a job apart whose row can be neither put back nor buried, whatever its run said: %j',
    async (verdict) => {
      application = await anApplication(database, {
        options: { maxAttempts: 1 },
        providers: [aHandler('odd', () => verdict)],
      });
      const { queues } = application;
      await database.query(
        'alter domain simple_queue.history drop constraint if exists history_check',
      );
      const { id } = await queues.enqueue('odd', { n: 1 }, { delayMs: 3_600_000 });
      await database.query(
        `with soon as (update simple_queue.job set history = '5', run_at = now() where id = $1 returning id, run_at)
         update simple_queue.scheduled s set run_at = soon.run_at from soon where s.id = soon.id`,
        [id],
      );

      await eventually(async () => {
        const lastError = { code: 'DATABASE_ERROR', message: expect.stringContaining('22023') };
        expect(await queues.find(id)).toMatchObject({
          state: 'poisoned',
          payload: { n: 1 },
          history: [],
          lastError,
        });
      });
    },
  );

  it.each<[PartitionedTable, string, () => unknown]>([
    ['archive', 'succeeded', () => 'done'],
    ['dead_letter', 'unprocessable', () => Promise.reject(new UnprocessableError('no'))],
  ])(
    'keeps an end for which %s has no partition until there is one',
    async (table, state, work) => {
      let runs = 0;
      application = await anApplication(database, {
        providers: [
          aHandler('kept', () => {
            runs++;
            return work();
          }),
        ],
      });
      const { queues } = application;
      // No janitor makes them again meanwhile.
      const rival = await Rival.connect(database);
      await rival.query(`select pg_advisory_lock(hashtextextended('simple_queue.partitions', 0))`);
      await database.query(
        `do $$ declare name text; begin
          for name in select inhrelid::regclass::text from pg_inherits where inhparent = 'simple_queue.${table}'::regclass
          loop execute format('drop table %s', name); end loop; end $$`,
      );
      const failed = new Promise<unknown>((resolve) =>
        application.events.on('loopFailed', ({ error }) => resolve(error)),
      );
      const { id } = await queues.enqueue('kept', {});
      expect(String(await failed)).toContain(`no partition of "${table}" takes the row`);

      await rival.close();
      await eventually(async () =>
        expect(await application.storage.partitions.create(table, `${table}_default`)).toBe(true),
      );
      await eventually(async () => expect((await queues.find(id))?.state).toBe(state));
      expect(runs).toBe(1);
    },
  );

  it('ends a job whose end PostgreSQL refuses to store, instead of trying for ever', async () => {
    application = await anApplication(database, {
      providers: [aHandler('odd', () => JobResult.rescheduleIn(1))],
    });
    const { queues, storage } = application;
    const refusal = new DatabaseError(
      'run "put_back"',
      Object.assign(new Error('refused'), { code: '22009' }),
    );
    storage.settlements.putBack = () => Promise.reject(refusal);

    const { id } = await queues.enqueue('odd', {});

    await eventually(async () => {
      const job = await queues.find(id);
      expect(job).toMatchObject({
        state: 'failed',
        lastError: { code: 'DATABASE_ERROR', message: expect.stringContaining('22009') },
      });
    });
  });
});
