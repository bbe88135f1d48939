import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Burial } from '../../../lib/storage/settle/ended-run.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import type { JobRow } from '../../support/rows.js';
import { aStorage, runIn, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;

describe('ending what did not succeed', () => {
  let test: TestStorage;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;

  beforeAll(async () => {
    test = await aStorage();
    ({ claims, jobs, settlements } = test.storage);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const burialOf = ({ id, epoch }: JobRow, verdict: Partial<Burial['verdict']> = {}): Burial => ({
    id,
    epoch,
    verdict: {
      ...{
        state: 'failed',
        spent: 1,
        runMs: 12,
        deadLetterKeepMs: 30 * DAY_MS,
        archiveKeepMs: DAY_MS,
      },
      ...{ error: { name: 'E', message: 'no' }, entry: { attempt: 3, outcome: 'failed' } },
      ...verdict,
    },
  });
  const keptDays = async (table: string) =>
    (
      await test.database.query<{ days: number }>(
        `select (extract(epoch from expires_at - finished_at) / 86400)::float8 as days from simple_queue.${table}`,
      )
    ).map((row) => row.days);

  it.each(['failed', 'critical', 'unprocessable', 'poisoned'] as const)(
    'moves a %s job to the dead letter table',
    async (state) => {
      const job = await test.rows.job({
        state: 'running',
        epoch: 2,
        attempt: 2,
        uniqueKey: 'key',
        fingerprint: 'tag',
        priority: 3,
      });

      expect(await settlements.bury('worker-9', [burialOf(job, { state })])).toEqual([
        { id: job.id, state },
      ]);

      const found = await jobs.find(job.id);
      expect(found).toMatchObject({
        state,
        attempt: 3,
        worker: 'worker-9',
        runMs: 12,
        uniqueKey: 'key',
        fingerprint: 'tag',
      });
      expect(found).toMatchObject({
        lastError: { name: 'E', message: 'no' },
        payload: { n: 1 },
        priority: 3,
      });
      expect(found?.history).toMatchObject([{ attempt: 3, outcome: 'failed' }]);
      expect(await keptDays('dead_letter')).toEqual([30]);
      expect(await test.database.query('select from simple_queue.job')).toEqual([]);
    },
  );

  it('does nothing for a run that no longer holds its job', async () => {
    const late = await test.rows.job({ state: 'running', epoch: 1 });
    expect(await settlements.bury('worker-9', [{ ...burialOf(late), epoch: 0 }])).toEqual([]);
    expect(await jobs.find(late.id)).toMatchObject({ state: 'running', history: [] });
  });

  it('ends a job whose cancel was requested as cancelled, however its run failed', async () => {
    const job = await test.rows.job({ state: 'running', cancelRequested: true });
    expect(await settlements.bury('worker-9', [burialOf(job)])).toEqual([
      { id: job.id, state: 'cancelled' },
    ]);
    expect(await jobs.find(job.id)).toMatchObject({ state: 'cancelled' });
    expect(await keptDays('archive')).toEqual([1]);
    expect(await keptDays('dead_letter')).toEqual([]);
  });

  it('archives a cancelled job, or deletes it where the queue keeps nothing', async () => {
    const kept = await test.rows.job({ state: 'running' });
    const forgotten = await test.rows.job({ state: 'running' });

    const answers = await settlements.bury('worker-9', [
      burialOf(kept, { state: 'cancelled' }),
      burialOf(forgotten, { state: 'cancelled', archiveKeepMs: undefined }),
    ]);

    expect(answers).toHaveLength(2);
    expect(await jobs.find(kept.id)).toMatchObject({ state: 'cancelled' });
    expect(await jobs.find(forgotten.id)).toBeUndefined();
  });

  it('gives each of a batch its own verdict', async () => {
    const [a, b, c] = (await test.rows.jobs(3, { state: 'running' })) as [JobRow, JobRow, JobRow];
    await settlements.bury('w', [
      burialOf(c, { state: 'critical', runMs: 3 }),
      burialOf(a, { state: 'failed', runMs: 1 }),
      burialOf(b, { state: 'cancelled', runMs: 2, spent: 0 }),
    ]);
    expect(await jobs.find(a.id)).toMatchObject({ state: 'failed', runMs: 1, attempt: 1 });
    expect(await jobs.find(b.id)).toMatchObject({ state: 'cancelled', runMs: 2, attempt: 0 });
    expect(await jobs.find(c.id)).toMatchObject({ state: 'critical', runMs: 3 });
  });

  it('keeps the last twenty entries of the history, and the last error where none is given', async () => {
    const job = await test.rows.job({ state: 'running' });
    const history = Array.from({ length: 20 }, (_, n) => ({ attempt: n }));
    await test.database.query(
      `update simple_queue.job set last_error = '{"name":"Before"}', history = $1`,
      [JSON.stringify(history)],
    );
    await settlements.bury('w', [
      burialOf(job, { error: undefined, entry: { attempt: 20, outcome: 'failed' } }),
    ]);
    const found = await jobs.find(job.id);
    expect(found?.history.map((entry) => entry.attempt)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    expect(found?.lastError).toEqual({ name: 'Before' });
  });

  it('lets exactly one of a burial and a success of the same run win', async () => {
    const nothing = {
      claimId: '00000000-0000-7000-8000-000000000000',
      lease: '00000000-0000-7000-8000-000000000000',
    };
    for (let round = 0; round < 10; round++) {
      const job = await test.rows.job({ state: 'running' });
      const success = { id: job.id, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined };
      const [buried, settled] = await Promise.all([
        settlements.bury('w', [burialOf(job)]),
        claims.settleAndClaim('w', [success], [], { ...nothing, lanes: [], limit: 0 }),
      ]);
      expect(buried.length + (1 - settled.lost.length)).toBe(1);
      expect((await jobs.find(job.id))?.state).toBe(buried.length === 1 ? 'failed' : 'succeeded');
    }
  });

  describe('complete, in the transaction of a handler', () => {
    const complete = (
      job: JobRow,
      end: 'commit' | 'roll back' = 'commit',
      keepMs: number | undefined = DAY_MS,
    ) =>
      test.dataSource
        .transaction(async (manager) => {
          const run = runIn(test.storage, manager);
          const success = { id: job.id, epoch: job.epoch, runMs: 5, keepMs, output: '{"ok":1}' };
          const done = await settlements.complete(run, 'worker-9', success);
          if (end === 'roll back') throw new Error(String(done));
          return done;
        })
        .catch((error: Error) => error.message === 'true');

    it('archives the job with its output when the transaction commits', async () => {
      const job = await test.rows.job({ state: 'running', attempt: 1 });
      expect(await complete(job)).toBe(true);
      expect(await jobs.find(job.id)).toMatchObject({
        state: 'succeeded',
        attempt: 2,
        output: { ok: 1 },
        worker: 'worker-9',
      });
    });

    it('leaves the job running when the transaction rolls back', async () => {
      const job = await test.rows.job({ state: 'running' });
      expect(await complete(job, 'roll back')).toBe(true);
      expect(await jobs.find(job.id)).toMatchObject({ state: 'running', attempt: 0 });
    });

    it('answers false to a run that no longer holds the job', async () => {
      const job = await test.rows.job({ state: 'running', epoch: 1 });
      expect(await complete({ ...job, epoch: 0 })).toBe(false);
      expect(await jobs.find(job.id)).toMatchObject({ state: 'running' });
    });

    it('lets the handler complete once', async () => {
      const job = await test.rows.job({ state: 'running' });
      expect([await complete(job), await complete(job)]).toEqual([true, false]);
    });

    it('only deletes where the queue keeps nothing', async () => {
      const job = await test.rows.job({ state: 'running' });
      const run = test.storage.database.callers.run;
      const success = { id: job.id, epoch: 0, runMs: 5, keepMs: undefined, output: undefined };
      expect(await settlements.complete(run, 'w', success)).toBe(true);
      expect(await jobs.find(job.id)).toBeUndefined();
    });
  });
});
