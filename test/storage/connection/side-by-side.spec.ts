import { describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { defineJob } from '../../../lib/enqueue/define-job.js';
import type { EnqueueItem, EnqueueOptions } from '../../../lib/job/enqueue-options.js';
import { Queue } from '../../../lib/queue.js';
import { eventually } from '../../support/eventually.js';
import { aJoining, DOORS, many } from '../../support/joining-calls.js';

describe.each([
  ['node-postgres', {}],
  ['node-postgres with a pipeline', { pipeline: true }],
])('side by side in a transaction, with %s,', (_, extra) => {
  const joining = aJoining(extra);
  const { count } = joining;
  const settled = async (calls: (manager: EntityManager) => Promise<unknown>[]) => {
    const results: PromiseSettledResult<unknown>[] = [];
    await joining.dataSource.transaction(
      async (manager) => void results.push(...(await Promise.allSettled(calls(manager)))),
    );
    return results.map((result) =>
      result.status === 'fulfilled' ? 'acknowledged' : (result.reason as { code: string }).code,
    );
  };
  const payloads = async () =>
    (
      await joining.test.database.query<{ payload: unknown }>(
        `select payload from simple_queue.job where payload::text <> '0' order by id`,
      )
    ).map((row) => row.payload);

  it("what is acknowledged outlives another call's refusal, and so does what TypeORM has stored", async () => {
    await joining.test.database.query('drop table if exists note; create table note (n int)');
    await joining.world.queues.enqueue('mail', 0, { group: 'mixed', ordered: true });
    const refusedBatch: EnqueueItem[] = many(5_001, (n) =>
      n === 5_000 ? { group: 'mixed' } : { uniqueKey: `k${n}` },
    );
    const outcomes = await settled((manager) => [
      joining.world.queues.enqueue('mail', 'a', { manager }),
      joining.world.queues.enqueueMany('mail', refusedBatch, { manager }),
      manager.query('insert into note values (1)'),
      joining.world.queues.enqueue('mail', 'b', { manager }),
      joining.world.queues.enqueueMany('mail', refusedBatch, { manager }),
      joining.world.queues.enqueue('mail', 'c', { manager, uniqueKey: 'c' }),
      manager.query('insert into note values (2)'),
    ]);
    expect(outcomes).toEqual([
      ...['acknowledged', 'GROUP_MIXED', 'acknowledged', 'acknowledged'],
      ...['GROUP_MIXED', 'acknowledged', 'acknowledged'],
    ]);
    expect(await payloads()).toEqual(['a', 'b', 'c']);
    expect(await joining.test.database.query('select n from note order by n')).toEqual([
      { n: 1 },
      { n: 2 },
    ]);
  });

  it.each([
    ['known lanes', {}],
    ['a lane that has to be registered', { name: `new-${Object.keys(extra).length}` }],
  ])('calls take their turns in the order in which they were made, with %s', async (__, first) => {
    const { queues } = joining.world;
    const group = { group: 'g', ordered: true };
    const batch = (...numbers: number[]) =>
      numbers.map((payload) => ({ payload, ...group, ...first }));
    await settled((manager) => [
      queues.enqueueMany('mail', batch(1, 2), { manager }),
      queues.enqueue('mail', 3, { ...group, manager }),
      queues.enqueue('mail', 4, { ...group, manager, uniqueKey: 'four' }),
      queues.enqueueMany('mail', batch(5, 6), { manager }),
      queues.enqueue('mail', 7, { ...group, manager, maxPending: 1_000 }),
      queues.enqueue('mail', 8, { ...group, manager, id: '00000000-0000-4000-8000-000000000008' }),
      queues.enqueueMany('mail', batch(9), { manager, maxPending: 1_000 }),
      queues.enqueue('mail', 10, { ...group, manager }),
    ]);
    const turns = await joining.test.database.query<{ payload: unknown }>(
      'select payload from simple_queue.job where group_name is not null order by seq',
    );
    expect(turns.map(({ payload }) => payload)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('calls with templates take their turns among the others, where their schemas answer at once', async () => {
    const { queues } = joining.world;
    const group = { group: 't', ordered: true };
    const Checked = defineJob({ queue: 'mail', name: 'checked', payload: z.number() });
    const Typed = defineJob<number>()({ queue: 'mail', name: 'typed' });
    await settled((manager) => [
      queues.enqueue(Checked, 1, { ...group, manager }),
      queues.enqueue('mail', 2, { ...group, manager }),
      queues.enqueueMany(
        Checked,
        [
          { payload: 3, ...group },
          { payload: 4, ...group },
        ],
        { manager },
      ),
      queues.enqueue(Typed, 5, { ...group, manager }),
      new Queue(queues, Checked).enqueue(6, { ...group, manager }),
      queues.enqueueMany('mail', [{ payload: 7, ...group }], { manager }),
      queues.enqueue(Checked, 8, { ...group, manager, uniqueKey: 'eight' }),
      queues.enqueue('mail', 9, { ...group, manager }),
    ]);
    const turns = await joining.test.database.query<{ payload: unknown }>(
      `select payload from simple_queue.job where group_name = 't' order by seq`,
    );
    expect(turns.map(({ payload }) => payload)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it.each([
    ['new jobs', (n: number) => ({ payload: n + 1 })],
    ['jobs that may be known', (n: number) => ({ payload: n + 1, uniqueKey: `k${n}` })],
  ])('a limit is exact for %s', async (__, item) => {
    const outcomes = await settled((manager) =>
      Array.from({ length: 20 }, (___, n) => {
        const { payload, ...options } = item(n) as { payload: number } & EnqueueOptions;
        return joining.world.queues.enqueue('mail', payload, {
          ...options,
          manager,
          maxPending: 7,
        });
      }),
    );
    expect(outcomes.filter((outcome) => outcome === 'acknowledged')).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === 'QUEUE_FULL')).toHaveLength(15);
    expect(await payloads()).toHaveLength(5);
  });

  it('nothing is sent while a statement is under way, as the driver wants it', async () => {
    const busy: unknown[] = [];
    const { query: original } = pg.Client.prototype as unknown as {
      query: (this: pg.Client, ...args: unknown[]) => unknown;
    };
    const spy = jest.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      if (!(this as unknown as { readyForQuery: boolean }).readyForQuery) busy.push(args[0]);
      return original.apply(this, args) as never;
    });
    const outcomes = await settled((manager) =>
      Object.values(DOORS).map((door) => door({ ...joining.world, manager })),
    );
    spy.mockRestore();
    expect(new Set(outcomes)).toEqual(new Set(['acknowledged']));
    expect(busy).toEqual([]);
  });

  it('an error of the database fails those behind it with their transaction, and none waits for ever', async () => {
    const outcomes = await settled((manager) => [
      ...Object.values(DOORS).map((door) => door({ ...joining.world, manager })),
      manager.query('select 1 / 0'),
      ...Object.values(DOORS).map((door) =>
        new Promise(setImmediate).then(() => door({ ...joining.world, manager })),
      ),
    ]);
    expect(new Set(outcomes.slice(-Object.keys(DOORS).length))).toEqual(
      new Set(['DATABASE_ERROR']),
    );
    expect(await count()).toBe(2);
  });

  it('calls whose connection is lost are refused, and none waits for ever', async () => {
    const attempt = joining.dataSource.transaction((manager) =>
      Promise.allSettled([
        manager.query('select pg_sleep(600)'),
        ...Object.values(DOORS).map((door) => door({ ...joining.world, manager })),
      ]).then((results) => {
        expect(results.map((result) => result.status)).not.toContain('fulfilled');
        throw new Error('undone');
      }),
    );
    attempt.catch(() => undefined);
    await eventually(async () =>
      expect(
        await joining.test.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(600)'`,
        ),
      ).toHaveLength(1),
    );
    await expect(attempt).rejects.toThrow();
    expect(await count()).toBe(2);
  });

  it('may itself be asked for from within the schema of a call', async () => {
    await joining.dataSource.transaction(async (manager) => {
      const validate = async (value: unknown) => {
        await joining.world.queues.enqueue('mail', 'inner', { manager });
        return { value };
      };
      const nests = defineJob({
        queue: 'mail',
        payload: { '~standard': { version: 1, vendor: 'test', validate } } as const,
      });
      await Promise.all([
        joining.world.queues.enqueue(nests, 'outer', { manager, maxPending: 100 }),
        joining.world.queues.enqueue(nests, 'outer', { manager }),
      ]);
    });
    expect(await count()).toBe(6);
  });
});
