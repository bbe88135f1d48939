import { inspect } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import { aHandler, PATIENT } from '../support/application.js';
import { aGate } from '../support/gate.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('a handler that does not await what it begins in the transaction of its job', () => {
  const story = aStory(PATIENT);

  beforeAll(() => story.database.query('create table nested (note text)'));
  beforeEach(() => story.database.query('truncate nested'));

  const notes = async () =>
    (await story.database.query<{ note: string }>('select note from nested order by 1')).map(
      ({ note }) => note,
    );
  const resting = () =>
    story.database.query(
      `select query from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
    );
  const write = (manager: EntityManager, note: string) =>
    manager.query('insert into nested values ($1)', [note]);

  const started = async (
    queue: string,
    work: (manager: EntityManager) => unknown,
    options: QueueHandlerOptions = {},
  ) => {
    const handler = aHandler(queue, (_, { manager }) => work(manager), {
      transactional: true,
      maxAttempts: 1,
      ...options,
    });
    const application = await story.start({ providers: [handler] });
    return { ...application, ...(await application.queues.enqueue(queue, {})) };
  };

  it('has it committed with the job', async () => {
    const { id, ...application } = await started('forgotten', async (manager) => {
      await write(manager, 'outer');
      void manager.transaction(async (inner) => {
        for (let n = 0; n < 5; n++) await inner.query('select 1');
        await write(inner, 'inner');
      });
    });
    await untilJobIs('succeeded', application, id);
    expect(await notes()).toEqual(['inner', 'outer']);
    await eventually(async () => expect(await resting()).toEqual([]));
  });

  it('fails with it, and leaves no transaction open', async () => {
    const { id, ...application } = await started('failing', async (manager) => {
      await write(manager, 'outer');
      void manager.transaction(async (inner) => {
        await write(inner, 'inner');
        await inner.query('select 1 / 0');
      });
    });
    const { lastError } = await untilJobIs('failed', application, id);
    expect(lastError).toMatchObject({ message: expect.stringContaining('division by zero') });
    expect(await notes()).toEqual([]);
    await eventually(async () => expect(await resting()).toEqual([]));
  });

  it('fails where one that it began by hand stays open', async () => {
    const { id, ...application } = await started('by-hand', async (manager) => {
      await manager.queryRunner!.startTransaction();
      await write(manager, 'inner');
    });
    const { lastError } = await untilJobIs('failed', application, id);
    expect(lastError).toMatchObject({ code: 'COMPLETION_ROLLED_BACK' });
    expect(await notes()).toEqual([]);
    await eventually(async () => expect(await resting()).toEqual([]));
  });

  it('ends no process where it is settled first', async () => {
    const [inside, outside, unseen] = [aGate(), aGate(), [] as unknown[]];
    const note = (reason: unknown) => unseen.push(reason);
    process.on('unhandledRejection', note);
    const begun: Promise<unknown>[] = [];
    const { id, ...application } = await started(
      'late',
      async (manager) => {
        begun.push(
          manager.transaction(async (inner) => {
            await inside.passed;
            await write(inner, 'inner');
          }),
        );
        await outside.passed;
      },
      { timeoutMs: 100 },
    );
    await untilJobIs('failed', application, id);
    inside.open();
    // Whoever asks the promise itself would have awaited it.
    await eventually(() => expect(inspect(begun)).toContain('<rejected>'));
    outside.open();
    await eventually(async () => expect(await resting()).toEqual([]));
    process.off('unhandledRejection', note);
    expect(await notes()).toEqual([]);
    expect(unseen).toEqual([]);
  });
});
