import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FoundJob } from '../../../lib/job/job.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

describe('finding', () => {
  let test: TestStorage;
  let cancels: CancelRepository;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;

  beforeAll(async () => {
    test = await aStorage();
    ({ cancels, claims, jobs, settlements } = test.storage);
  });
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  it.each([
    ['ready', 'ready'],
    ['scheduled', 'scheduled'],
    ['suspect', 'ready'],
    ['running', 'running'],
  ] as const)('says of a job that stands in %s that it is %s', async (state, said) => {
    const { id } = await test.rows.job({ state, queue: 'pdf', name: 'print' });
    expect(await jobs.find(id)).toMatchObject({
      id,
      queue: 'pdf',
      name: 'print',
      state: said,
      headers: {},
      history: [],
    });
  });

  it('does not know what never was', async () => {
    expect(await jobs.find(randomUUID())).toBeUndefined();
  });

  it('leaves out what a job does not have', async () => {
    const { id } = await test.rows.job();
    const found = await jobs.find(id);
    expect(Object.keys(found!).toSorted()).toEqual([
      'attempt',
      'createdAt',
      'headers',
      'history',
      'id',
      'labels',
      'name',
      'payload',
      'priority',
      'queue',
      'reschedules',
      'runAt',
      'stalls',
      'state',
    ]);
  });

  it('tells a payload of null, false, 0 and the empty string as they are', async () => {
    for (const payload of [null, false, 0, '', []]) {
      const { id } = await test.rows.job({ payload });
      expect((await jobs.find(id))?.payload).toEqual(payload);
    }
  });

  it('tells an output of false and 0 as they are, and none where nothing was returned', async () => {
    const wish = { claimId: randomUUID(), lease: randomUUID(), lanes: [], limit: 0 };
    for (const [output, said] of [
      ['null', undefined],
      ['false', false],
      ['0', 0],
      [undefined, undefined],
    ] as const) {
      const { id } = await test.rows.job({ state: 'running' });
      await claims.settleAndClaim(
        'w',
        [{ id, epoch: 0, runMs: 1, keepMs: DAY_MS, output }],
        [],
        wish,
      );
      expect((await jobs.find(id))?.output).toEqual(said);
    }
  });

  it('finds the live job where an ended one of the same id is still kept', async () => {
    const ended = await test.rows.job();
    await cancels.byId(test.storage.database.callers.run, [ended.id], { '': DAY_MS });
    await test.rows.job({ id: ended.id });
    expect(await jobs.find(ended.id)).toMatchObject({ state: 'ready' });
  });

  it('finds a job at every moment of its life: never nowhere, never in two places', async () => {
    const batch = await test.rows.jobs(10);
    const lane = batch[0]!.lane;
    const life = (async () => {
      for (let round = 0; round < 4; round++) await runOnce(lane, round);
    })();
    let over = false;
    void life.finally(() => (over = true));

    const seen: (FoundJob | undefined)[] = [];
    for (let look = 0; look < 3_000 && !over; look++)
      seen.push(...(await Promise.all(batch.slice(0, 3).map(({ id }) => jobs.find(id)))));
    await life;
    const rows = await test.database.query<{ n: number }>(
      `select count(*)::int as n from simple_queue.jobs where id = any($1) group by id`,
      [batch.map((job) => job.id)],
    );

    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((job) => !job)).toEqual([]);
    expect(rows).toEqual(batch.map(() => ({ n: 1 })));
    expect(await checkPlaces(test.storage)).toEqual([]);
  });

  /** Claimed, put back, scheduled, promoted; in the last round ended, one half well, one half badly. */
  async function runOnce(lane: number, round: number): Promise<void> {
    const ranges = [{ priority: -32_768, runAt: '-infinity', id: FIRST_ID, upto: 32_767 }];
    const wish = {
      claimId: randomUUID(),
      lease: randomUUID(),
      lanes: [{ lane, wanted: 50, ranges }],
      limit: 50,
    };
    const nothing = { ...wish, claimId: randomUUID(), lanes: [], limit: 0 };
    const { jobs: claimed } = await claims.settleAndClaim('w', [], [], wish);
    for (const [n, { id, epoch }] of claimed.entries()) {
      const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS } as const;
      if (round < 3)
        await settlements.putBack([
          { id, epoch, change: { delayMs: n % 2, spent: 1, rescheduled: 0, ran: true } },
        ]);
      else if (n % 2)
        await claims.settleAndClaim(
          'w',
          [{ id, epoch, runMs: 1, keepMs: DAY_MS, output: undefined }],
          [],
          nothing,
        );
      else await settlements.bury('w', [{ id, epoch, verdict }]);
    }
    await claims.settleAndClaim('w', [], [wish.claimId], nothing);
    await claims.promote('-infinity', []);
  }
});
