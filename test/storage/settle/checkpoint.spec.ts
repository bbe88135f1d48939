import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Run } from '../../../lib/storage/connection/database.js';
import type { CheckpointWish } from '../../../lib/storage/settle/checkpoint.repository.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import type { JobRow } from '../../support/rows.js';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const KEEP = {
  deadLetter: { '': 60_000 },
  archive: { '': 60_000 },
  onDeadJob: { '': 'block' as const },
};
const FIRST = '00000000-0000-0000-0000-000000000000';

describe('checkpoint', () => {
  let test: TestStorage;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;
  let run: Run;

  beforeAll(async () => {
    test = await aStorage();
    ({ claims, jobs, settlements } = test.storage);
    run = test.storage.database.callers.run;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const keep = (
    { id, epoch }: Pick<JobRow, 'id' | 'epoch'>,
    state: unknown,
    more: Partial<CheckpointWish> = {},
  ) => {
    const text = state === undefined ? null : JSON.stringify(state);
    return test.storage.checkpoints.save(run, {
      id,
      epoch,
      text,
      extraAttempts: 0,
      maxExtraAttempts: 10,
      ...more,
    });
  };
  const optionsOf = async (id: string) =>
    (
      await test.database.query<{ options: unknown }>(
        'select options from simple_queue.job where id = $1',
        [id],
      )
    )[0]?.options;

  it('is kept with the job, over the last one, beside what the job says of itself', async () => {
    const job = await test.rows.job({ state: 'running' });
    await test.database.query(`update simple_queue.job set options = '{"timeoutMs": 7}'`);

    await keep(job, { page: 1 });
    await keep(job, { page: 2 });

    expect(await optionsOf(job.id)).toEqual({ timeoutMs: 7, checkpoint: { page: 2 } });
    expect(await jobs.find(job.id)).toMatchObject({
      state: 'running',
      checkpoint: { page: 2 },
      attempt: 0,
    });
  });

  it('leaves no trace when it is taken away', async () => {
    const job = await test.rows.job({ state: 'running' });
    await keep(job, [1]);

    await keep(job, undefined);

    expect(await optionsOf(job.id)).toBeNull();
  });

  it.each([
    [1, 0],
    [0, 1],
  ])('of a run of epoch %i changes nothing of a job of epoch %i', async (runs, stands) => {
    const job = await test.rows.job({ state: 'running', epoch: stands });

    expect(
      await keep({ id: job.id, epoch: runs }, { late: true }, { extraAttempts: 1 }),
    ).toBeUndefined();

    expect(await optionsOf(job.id)).toBeNull();
  });

  it('grants attempts, at most as many as the limit in the life of the job', async () => {
    const job = await test.rows.job({ state: 'running' });

    const granted = [];
    for (const extraAttempts of [0, 4, 4, 4, 0])
      granted.push(await keep(job, 1, { extraAttempts }));

    expect(granted).toEqual([0, 4, 8, 10, 10]);
  });

  it('goes with its job through retry, promotion, claim, crash and release into the dead letter table', async () => {
    const job = await test.rows.job({ state: 'running' });
    await keep(job, { page: 7 }, { extraAttempts: 2 });
    const kept = { checkpoint: { page: 7 }, extraAttempts: 2 };

    await settlements.putBack([
      { id: job.id, epoch: 0, change: { delayMs: 0, spent: 1, rescheduled: 0, ran: true } },
    ]);
    expect(await jobs.find(job.id)).toMatchObject({ state: 'ready', ...kept });
    await test.rows.claim([{ id: job.id, epoch: 1 }], await test.rows.lease('-1 second'));
    await test.database.query('delete from simple_queue.ready');
    await test.storage.leases.expire();
    await test.storage.leases.reap({ maxStalls: 3, ...KEEP }, FIRST);
    expect(await jobs.find(job.id)).toMatchObject({ state: 'ready', ...kept });
    const lease = await test.rows.lease();
    const [claimed] = await claims.claimSuspects(crypto.randomUUID(), lease, [job.lane], {
      alone: false,
      limit: 1,
    });
    expect(JSON.parse(claimed!.options!)).toEqual(kept);
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 60_000 } as const;
    await settlements.bury('worker', [{ id: job.id, epoch: claimed!.epoch, verdict }]);

    expect(await jobs.find(job.id)).toMatchObject({ state: 'failed', ...kept });
  });
});
