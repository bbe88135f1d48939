import { createHook } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { QueueService } from '../../lib/queue.service.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { aStorage, type TestStorage } from '../support/storage.js';

/** What an enqueue may cost, in counts: its time is that of the machine. */
describe('an enqueue', () => {
  let test: TestStorage;
  let queues: QueueService;

  beforeAll(async () => {
    test = await aStorage({ wakeUp: 'listen' });
    queues = new QueueService(test.storage, resolveOptions({}).options, test.events);
    await queues.enqueue('mail', {});
  });
  afterAll(() => test.close());

  it('in a transaction is one statement, whose reply has no row, and few promises', async () => {
    await test.dataSource.transaction(async (manager) => {
      const enqueue = () => queues.enqueue('mail', { n: 1 }, { manager });
      await enqueue();
      const rows = countRows(manager);
      expect(await leastOf(countStatements, enqueue)).toBe(1);
      expect(rows()).toBe(0);
      expect(await leastOf(countPromises, enqueue)).toBeLessThanOrEqual(18);
    });
  });

  it('outside of one is one statement as well, and few promises', async () => {
    const enqueue = () => queues.enqueue('mail', { n: 1 });
    expect(await leastOf(countStatements, enqueue)).toBe(1);
    expect(await leastOf(countPromises, enqueue)).toBeLessThanOrEqual(25);
  });
});

/** Of several calls the one beside which nothing else happened in this process. */
async function leastOf(
  count: (work: () => Promise<unknown>) => Promise<number>,
  work: () => Promise<unknown>,
): Promise<number> {
  const counts: number[] = [];
  while (counts.length < 20) counts.push(await count(work));
  return Math.min(...counts);
}

async function countPromises(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({ init: (_, type) => void (count += Number(type === 'PROMISE')) });
  hook.enable();
  await work();
  hook.disable();
  return count;
}

async function countStatements(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const { prototype } = pg.Query as unknown as {
    prototype: { submit: (...args: unknown[]) => unknown };
  };
  const { submit } = prototype;
  prototype.submit = function counting(...args) {
    count++;
    return submit.apply(this, args);
  };
  await work().finally(() => (prototype.submit = submit));
  return count;
}

function countRows({ queryRunner }: EntityManager): () => number {
  const { connection } = (
    queryRunner as unknown as { databaseConnection: { connection: EventEmitter } }
  ).databaseConnection;
  let count = 0;
  connection.on('rowDescription', () => count++);
  return () => count;
}
