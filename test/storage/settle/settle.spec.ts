import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Success } from '../../../lib/storage/settle/ended-run.js';
import type { ClaimWish, ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import type { JobRow } from '../../support/rows.js';
import { aStorage, Rival, waitingBackends, type TestStorage } from '../../support/storage.js';
import { eventually } from '../../support/eventually.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const NOTHING: ClaimWish = { claimId: randomUUID(), lease: randomUUID(), lanes: [], limit: 0 };

describe('settle-and-claim, settling', () => {
  let test: TestStorage;
  let claims: ClaimRepository;
  let jobs: FindRepository;

  beforeAll(async () => {
    test = await aStorage();
    ({ claims, jobs } = test.storage);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const successOf = ({ id, epoch }: JobRow, more: Partial<Success> = {}): Success => ({
    id,
    epoch,
    runMs: 7,
    keepMs: DAY_MS,
    output: undefined,
    ...more,
  });
  const settle = (...successes: Success[]) =>
    claims.settleAndClaim('worker-9', successes, [], NOTHING);
  const count = async (table: string) =>
    (
      await test.database.query<{ n: number }>(
        `select count(*)::int as n from simple_queue.${table}`,
      )
    )[0]!.n;

  it('moves a job of a first and of a later run to the archive', async () => {
    const first = await test.rows.job({ state: 'running' });
    const again = await test.rows.job({ state: 'running', epoch: 3, attempt: 2 });

    expect(await settle(successOf(first), successOf(again))).toEqual({ jobs: [], lost: [] });

    expect(await count('job')).toBe(0);
    expect(await jobs.find(first.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(await jobs.find(again.id)).toMatchObject({ state: 'succeeded', attempt: 3 });
  });

  it.each([
    [0, 1],
    [1, 0],
    [2, 3],
  ])(
    'answers that a run of epoch %i no longer holds a job of epoch %i, and changes nothing',
    async (runs, stands) => {
      const late = await test.rows.job({ state: 'running', epoch: stands });
      const good = await test.rows.job({ state: 'running' });
      const before = await test.database.query('select * from simple_queue.job where id = $1', [
        late.id,
      ]);

      const { lost } = await settle({ ...successOf(late), epoch: runs }, successOf(good));

      expect(lost).toEqual([late.id]);
      expect(
        await test.database.query('select * from simple_queue.job where id = $1', [late.id]),
      ).toEqual(before);
      expect(await jobs.find(good.id)).toMatchObject({ state: 'succeeded' });
    },
  );

  it('answers that a job is lost that is gone altogether', async () => {
    const gone = randomUUID();
    expect(
      await settle({ id: gone, epoch: 0, runMs: 1, keepMs: DAY_MS, output: undefined }),
    ).toEqual({ jobs: [], lost: [gone] });
    expect(await count('archive')).toBe(0);
  });

  it('keeps every column of the job in the archive, whatever order the columns have in the table', async () => {
    const job = await test.rows.job({
      state: 'running',
      epoch: 5,
      priority: -7,
      attempt: 2,
      stalls: 1,
      reschedules: 4,
    });
    await test.database.query(
      `update simple_queue.job set unique_key = 'key', fingerprint = 'tag', options = '{"headers":{"a":"b"}}', payload = '{"secret":1}',
       payload_bytes = '\\x00ff', last_error = '{"name":"Before"}', history = '[{"attempt":1}]' where id = $1`,
      [job.id],
    );
    const [live] = await test.database.query<Record<string, unknown>>(
      'select * from simple_queue.job where id = $1',
      [job.id],
    );

    await settle(successOf(job, { output: '{"sent":true}' }));

    const [kept] = await test.database.query<Record<string, Date>>(
      'select * from simple_queue.archive',
    );
    const {
      id,
      shard,
      lane,
      priority,
      stalls,
      reschedules,
      created_at,
      run_at,
      unique_key,
      fingerprint,
      options,
    } = live!;
    const { payload, payload_bytes, history } = live!;
    expect(kept).toMatchObject({
      id,
      shard,
      lane,
      priority,
      stalls,
      reschedules,
      created_at,
      run_at,
      unique_key,
      fingerprint,
    });
    expect(kept).toMatchObject({
      options,
      payload,
      payload_bytes,
      history,
      attempt: 3,
      worker: 'worker-9',
      run_ms: 7,
    });
    expect(kept).toMatchObject({ state: 'succeeded', output: { sent: true }, last_error: null });
    expect(kept!.expires_at!.getTime() - kept!.finished_at!.getTime()).toBe(DAY_MS);
  });

  it('gives each job of a batch its own output and time to keep, in any order', async () => {
    const batch = await test.rows.jobs(5, { state: 'running' });
    const successes = batch.map((job, n) =>
      successOf(job, { output: `{"n":${n}}`, runMs: n, keepMs: (n + 1) * 1_000 }),
    );

    await settle(...successes.toReversed());

    for (const [n, { id }] of batch.entries())
      expect(await jobs.find(id)).toMatchObject({ output: { n }, runMs: n });
    const kept = await test.database.query<{ ms: number }>(
      `select (extract(epoch from expires_at - finished_at) * 1000)::int as ms from simple_queue.archive order by run_ms`,
    );
    expect(kept.map((row) => row.ms)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('deletes only, where the queue keeps nothing', async () => {
    const forgotten = await test.rows.job({ state: 'running' });
    const kept = await test.rows.job({ state: 'running' });

    expect(await settle(successOf(forgotten, { keepMs: undefined }), successOf(kept))).toEqual({
      jobs: [],
      lost: [],
    });

    expect(await jobs.find(forgotten.id)).toBeUndefined();
    expect(await count('archive')).toBe(1);
  });

  it('deletes the claims that it is told have ended, and no other', async () => {
    const ended = await test.rows.job({ state: 'running' });
    const other = await test.rows.job({ state: 'running', lease: ended.lease });

    await claims.settleAndClaim('worker-9', [successOf(ended)], [ended.claim], NOTHING);

    expect(await test.database.query('select id from simple_queue.claim')).toEqual([
      { id: other.claim },
    ]);
  });

  it('does nothing for an empty batch and an empty wish', async () => {
    await test.rows.job();
    expect(await settle()).toEqual({ jobs: [], lost: [] });
    expect([await count('ready'), await count('claim'), await count('archive')]).toEqual([1, 0, 0]);
  });

  it('lets one of two late answers for the same run win', async () => {
    const job = await test.rows.job({ state: 'running' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => settle(successOf(job))));
    expect(answers.filter(({ lost }) => lost.length === 0)).toHaveLength(1);
    expect(await count('archive')).toBe(1);
  });

  it('does not archive a job that a rival puts back while it waits for the row', async () => {
    const rival = await Rival.connect(test.database);
    const job = await test.rows.job({ state: 'running' });
    await rival.begin();
    await rival.query('update simple_queue.job set epoch = epoch + 1 where id = $1', [job.id]);
    await rival.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) select lane, shard, priority, run_at, id, epoch from simple_queue.job where id = $1`,
      [job.id],
    );

    const settling = settle(successOf(job));
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();
    await rival.close();

    expect((await settling).lost).toEqual([job.id]);
    expect(await jobs.find(job.id)).toMatchObject({ state: 'ready' });
    expect(await count('archive')).toBe(0);
  });

  it('touches no claim row: a transaction that holds one delays nobody', async () => {
    const rival = await Rival.connect(test.database);
    const job = await test.rows.job({ state: 'running' });
    await rival.begin();
    await rival.query('select from simple_queue.claim for update');
    await rival.query('select from simple_queue.lease for update');

    expect(await settle(successOf(job))).toEqual({ jobs: [], lost: [] });
    await rival.rollback();
    await rival.close();
  });
});
