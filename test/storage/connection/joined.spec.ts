import { describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';
import { eventually } from '../../support/eventually.js';
import { aJoining, aSlowJob, DOORS } from '../../support/joining-calls.js';

describe.each([
  ['node-postgres', {}],
  ['node-postgres with a pipeline', { pipeline: true }],
])('what joins a transaction, with %s,', (_, extra) => {
  const joining = aJoining(extra);
  const { begun, count, everything } = joining;
  /** The statement is on its way; what is asked from now on stands behind it. */
  const sent = async (
    runner: QueryRunner,
    text: string,
  ): Promise<{ answer: Promise<unknown> }> => ({
    answer: ((await runner.connect()) as pg.Client).query(text),
  });
  const refused = (call: Promise<unknown>) =>
    expect(call).rejects.toMatchObject({ code: 'MANAGER_INACTIVE' });

  it.each(['rollback', 'commit', 'rollback and chain', 'commit and chain', 'rollback; begin'])(
    'does nothing behind %s',
    async (ending) => {
      const runner = await begun();
      const before = await everything();
      const { answer } = await sent(runner, ending);
      await Promise.all(
        Object.values(DOORS).map((door) => refused(door({ ...joining.world, manager: runner }))),
      );
      await answer;
      await runner.query('commit');
      expect(await everything()).toEqual(before);
      expect(joining.heard).toEqual([]);
    },
  );

  it.each(Object.keys(DOORS))(
    '%s is undone with the transaction that fails beside it',
    async (door) => {
      const before = await everything();
      const failing = (manager: EntityManager) =>
        Promise.all([
          Promise.reject(new Error('undone')),
          new Promise(setImmediate).then(
            () => (call = DOORS[door]!({ ...joining.world, manager })),
          ),
        ]);
      let call: Promise<unknown> | undefined;
      await expect(joining.dataSource.transaction(failing)).rejects.toThrow('undone');
      await eventually(() => expect(call).toBeDefined());
      await call!.catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'MANAGER_INACTIVE' }),
      );
      expect(await everything()).toEqual(before);
      expect(joining.heard).toEqual([]);
    },
  );

  it.each(Object.keys(DOORS))(
    '%s that nobody awaits is stored whole and acknowledged, or refused',
    async (door) => {
      const before = await everything();
      let call: Promise<unknown> = Promise.resolve();
      await joining.dataSource.transaction((manager) => {
        call = DOORS[door]!({ ...joining.world, manager });
        call.catch(() => undefined);
        return Promise.resolve();
      });
      const outcome = await call.then(
        () => 'acknowledged',
        (error: { code: string }) => error.code,
      );
      expect(['acknowledged', 'MANAGER_INACTIVE']).toContain(outcome);
      const after = await everything();
      if (outcome === 'acknowledged') expect(after).not.toEqual(before);
      else expect(after).toEqual(before);
    },
  );

  it('is never divided by a commit that is asked for between its statements', async () => {
    const runner = await begun();
    const call = DOORS['enqueueMany of keyed jobs in several statements']!({
      ...joining.world,
      manager: runner,
    });
    const { answer } = await sent(runner, 'select 1').then(() => sent(runner, 'commit'));
    await Promise.all([call, answer]);
    expect(await count()).toBe(5_003);
  });

  it.each([
    ['the same query runner', false],
    ['the same connection', true],
  ])('does nothing when %s is in another transaction by then', async (__, isReleased) => {
    const runner = await begun();
    const { job, onLeaseLost } = aSlowJob();
    const call = joining.world.queues.enqueue(job, 1, { manager: runner });
    await runner.rollbackTransaction();
    if (isReleased) await runner.release();
    const next = isReleased ? await begun() : runner;
    if (!isReleased) await next.startTransaction();
    onLeaseLost();
    await refused(call);
    await next.commitTransaction();
    expect(await count()).toBe(2);
  });

  it('does nothing when its savepoint was rolled back by then, and is stored when that was released', async () => {
    const slow = [aSlowJob(), aSlowJob()] as const;
    const calls: Promise<unknown>[] = [];
    await joining.dataSource.transaction(async (manager) => {
      const failing = manager.transaction((nested) => {
        calls.push(joining.world.queues.enqueue(slow[0].job, 'undone', { manager: nested }));
        return Promise.reject(new Error('undone'));
      });
      await expect(failing).rejects.toThrow('undone');
      slow[0].onLeaseLost();
      await refused(calls[0]!);
      await manager.transaction((nested) => {
        calls.push(joining.world.queues.enqueue(slow[1].job, 'kept', { manager: nested }));
        return Promise.resolve();
      });
      slow[1].onLeaseLost();
      await calls[1];
    });
    expect(
      await joining.test.database.query(
        `select payload from simple_queue.job where payload::text <> '0'`,
      ),
    ).toEqual([{ payload: 'kept' }]);
  });
});
