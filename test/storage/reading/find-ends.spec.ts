import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EndRow } from '../../../lib/storage/reading/end.repository.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const DAY_MS = 86_400_000;
const NOTHING = { claimId: randomUUID(), lease: randomUUID(), lanes: [], limit: 0 };

describe('finding ends', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  const find = async (id: string): Promise<EndRow> => (await test.storage.ends.find([id]))[0]!;
  const succeed = (id: string, output?: string) =>
    test.storage.claims.settleAndClaim(
      'w',
      [{ id, epoch: 0, runMs: 1, keepMs: DAY_MS, output }],
      [],
      NOTHING,
    );
  const cancel = (id: string) =>
    test.storage.cancels.byId(test.storage.database.callers.run, [id], { '': DAY_MS });

  it.each(['ready', 'scheduled', 'suspect', 'running'] as const)(
    'tells the queue of a job that is %s, and no end',
    async (state) => {
      const { id } = await test.rows.job({ state, queue: 'pdf' });
      expect(await find(id)).toEqual({
        id,
        queue: 'pdf',
        state: null,
        output: null,
        last_error: null,
        progress: null,
      });
    },
  );

  it('tells the output of a success', async () => {
    const { id } = await test.rows.job({ state: 'running' });
    await succeed(id, '{"n":1}');
    expect(await find(id)).toEqual({
      id,
      queue: null,
      state: 'succeeded',
      output: { n: 1 },
      last_error: null,
      progress: null,
    });
  });

  it('tells the error of what ended badly', async () => {
    const { id } = await test.rows.job({ state: 'running' });
    const error = { name: 'Error', message: 'no' };
    const verdict = {
      state: 'failed',
      spent: 1,
      runMs: 1,
      deadLetterKeepMs: DAY_MS,
      error,
    } as const;
    await test.storage.settlements.bury('w', [{ id, epoch: 0, verdict }]);
    expect(await find(id)).toMatchObject({ queue: null, state: 'failed', last_error: error });
  });

  it('tells neither of what it does not know', async () => {
    const id = randomUUID();
    expect(await find(id)).toEqual({
      id,
      queue: null,
      state: null,
      output: null,
      last_error: null,
      progress: null,
    });
  });

  it('takes the live job where an ended one of the same id is still kept, else the latest end', async () => {
    const { id } = await test.rows.job();
    await cancel(id);
    await test.rows.job({ id, state: 'running', queue: 'pdf' });
    expect(await find(id)).toMatchObject({ queue: 'pdf', state: null });
    await succeed(id, '5');
    expect(await find(id)).toMatchObject({ queue: null, state: 'succeeded', output: 5 });
  });

  it('answers once for each of many, whatever they are', async () => {
    const [live, ended] = [await test.rows.job(), await test.rows.job()];
    await cancel(ended.id);
    const unknown = randomUUID();
    const rows = await test.storage.ends.find([live.id, ended.id, unknown]);
    expect(rows.map(({ id, state }) => [id, state])).toEqual([
      [live.id, null],
      [ended.id, 'cancelled'],
      [unknown, null],
    ]);
  });
});
