import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';

describe('find-unlocked', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  afterAll(() => test.close());

  it('answers with what nobody holds, and with what is gone, without waiting', async () => {
    const free = await test.rows.job({ state: 'running' });
    const held = await test.rows.job({ state: 'running' });
    const gone = randomUUID();
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.job where id = $1 for update', [held.id]);

    const unlocked = await test.storage.settlements.findUnlocked([free.id, held.id, gone]);
    await rival.rollback();
    await rival.close();

    expect(unlocked).toEqual(new Set([free.id, gone]));
    expect(await test.storage.settlements.findUnlocked([held.id])).toEqual(new Set([held.id]));
  });
});
