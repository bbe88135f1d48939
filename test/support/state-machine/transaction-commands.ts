import { expect } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { Command, given, waitsForOthers } from './command.js';
import type { Model, ModelItem } from './model.js';
import { QUEUE, type Real } from './real.js';

/** How a transaction ends: when its calls are done, or while they are under way. */
export const ENDINGS = [
  'commits',
  'commits early',
  'rolls back',
  'rolls back early',
  'times out',
  'times out early',
] as const;

const REFUSALS = ['MANAGER_INACTIVE', 'DATABASE_ERROR'];

/** Calls that nobody awaits one by one: each is acknowledged and shares the end of its transaction, or is refused and stores nothing. */
export class SideBySide extends Command {
  constructor(
    private readonly items: ModelItem[],
    private readonly ending: (typeof ENDINGS)[number],
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const items = this.items.filter((item) => !waitsForOthers(item, model));
    const runner = real.test.dataSource.createQueryRunner();
    await runner.startTransaction();
    const calls = items.map((item) => {
      const { payload, ...options } = given(item);
      return real.queues.enqueue(QUEUE, payload, { ...options, manager: runner });
    });
    const settled = Promise.allSettled(calls);
    if (!this.ending.endsWith('early')) await settled;
    await this.end(runner);
    const isKept = this.ending.startsWith('commits');
    for (const [index, result] of (await settled).entries()) {
      if (result.status === 'rejected')
        expect(REFUSALS).toContain((result.reason as { code: string }).code);
      else if (isKept) expectStored(items[index]!, result.value, model);
    }
    await runner.release();
  }

  private async end(runner: QueryRunner): Promise<void> {
    if (this.ending.startsWith('times')) {
      await runner.query('set local statement_timeout = 1');
      // A call that is under way may run into it first.
      const over = /statement timeout|transaction is aborted/;
      await expect(runner.query('select pg_sleep(600)')).rejects.toThrow(over);
    }
    if (this.ending.startsWith('rolls')) await runner.rollbackTransaction();
    else await runner.commitTransaction();
  }
}

function expectStored(
  item: ModelItem,
  { id, created }: { id: string; created: boolean },
  model: Model,
): void {
  const known = item.uniqueKey === undefined ? undefined : model.live(item.uniqueKey);
  expect({ created, id: known && id }).toEqual({ created: !known, id: known?.id });
  if (created) model.add(id, item);
}
