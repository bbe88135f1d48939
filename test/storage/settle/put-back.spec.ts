import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Return } from '../../../lib/storage/settle/ended-run.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import type { JobRow } from '../../support/rows.js';
import { eventually } from '../../support/eventually.js';
import { aStorage, Rival, waitingBackends, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

describe('putting back', () => {
  let test: TestStorage;
  let jobs: FindRepository;
  let settlements: SettleRepository;

  beforeAll(async () => {
    test = await aStorage();
    ({ jobs, settlements } = test.storage);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const retry = ({ id, epoch }: JobRow, change: Partial<Return['change']> = {}): Return => ({
    id,
    epoch,
    change: { delayMs: 0, spent: 1, rescheduled: 0, ran: true, ...change },
  });
  const rowOf = async (id: string) =>
    (
      await test.database.query<{ epoch: number; run_at: Date }>(
        'select * from simple_queue.job where id = $1',
        [id],
      )
    )[0]!;
  const now = async () =>
    (await test.database.query<{ now: Date }>('select now()'))[0]!.now.getTime();

  it('makes a job ready again at the next epoch, behind every hint, its attempt spent', async () => {
    const job = await test.rows.job({ state: 'running', attempt: 1, due: '-1 hour' });
    const before = await now();

    expect(await settlements.putBack([retry(job)])).toEqual([{ id: job.id, moved: true }]);

    const row = await rowOf(job.id);
    expect(row).toMatchObject({ epoch: 1, attempt: 2, suspicion: 0, reschedules: 0 });
    expect(row.run_at.getTime()).toBeGreaterThanOrEqual(before);
    expect(await jobs.find(job.id)).toMatchObject({ state: 'ready' });
  });

  it('schedules a job for later by delay or by time', async () => {
    const delayed = await test.rows.job({ state: 'running' });
    const dated = await test.rows.job({ state: 'running' });
    const at = '2099-01-02T03:04:05.000Z';
    const before = await now();

    await settlements.putBack([
      retry(delayed, { delayMs: 60_000 }),
      retry(dated, { delayMs: undefined, at, rescheduled: 1, spent: 0 }),
    ]);

    expect(await jobs.find(delayed.id)).toMatchObject({ state: 'scheduled', attempt: 1 });
    expect((await rowOf(delayed.id)).run_at.getTime()).toBeGreaterThanOrEqual(before + 60_000);
    expect(await jobs.find(dated.id)).toMatchObject({
      state: 'scheduled',
      attempt: 0,
      reschedules: 1,
      runAt: new Date(at),
    });
  });

  it('notes the first reschedule of a job, and rests a second before each after the hundredth', async () => {
    const [first, again, eager] = [
      await test.rows.job({ state: 'running' }),
      await test.rows.job({ state: 'running', reschedules: 99 }),
      await test.rows.job({ state: 'running', reschedules: 100 }),
    ];
    const known = { group: 'g', rescheduledSince: '2020-01-01T00:00:00+00:00' };
    await test.database.query('update simple_queue.job set options = $2 where id = $1', [
      again.id,
      known,
    ]);
    const before = await now();
    const reschedule = { rescheduled: 1, spent: 0 } as const;

    await settlements.putBack([first, again, eager].map((job) => retry(job, reschedule)));

    const optionsOf = async ({ id }: JobRow): Promise<unknown> =>
      (await test.database.query('select options from simple_queue.job where id = $1', [id]))[0];
    expect(await optionsOf(first)).toEqual({ options: { rescheduledSince: expect.any(String) } });
    expect(await optionsOf(again)).toEqual({ options: known });
    expect(await jobs.find(again.id)).toMatchObject({ state: 'ready' });
    expect((await rowOf(eager.id)).run_at.getTime()).toBeGreaterThanOrEqual(before + 1_000);
  });

  it('makes a time in the past now', async () => {
    const job = await test.rows.job({ state: 'running' });
    const before = await now();
    await settlements.putBack([retry(job, { delayMs: undefined, at: '2001-01-01T00:00:00Z' })]);
    expect((await rowOf(job.id)).run_at.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('does nothing for a run that no longer holds its job', async () => {
    const late = await test.rows.job({ state: 'running', epoch: 2 });
    const before = await rowOf(late.id);

    expect(await settlements.putBack([{ ...retry(late), epoch: 1 }])).toEqual([]);

    expect(await rowOf(late.id)).toEqual(before);
  });

  it('lets one of several returns of a run win, and places the job once', async () => {
    const job = await test.rows.job({ state: 'running' });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => settlements.putBack([retry(job)])),
    );
    expect(answers.filter((moved) => moved.length === 1)).toHaveLength(1);
    expect(await rowOf(job.id)).toMatchObject({ epoch: 1, attempt: 1 });
  });

  it('leaves a job whose cancel was requested where it is, and says so', async () => {
    const job = await test.rows.job({ state: 'running', cancelRequested: true });
    const other = await test.rows.job({ state: 'running' });

    const answers = await settlements.putBack([retry(job), retry(other)]);

    expect(new Map(answers.map(({ id, moved }) => [id, moved]))).toEqual(
      new Map([
        [job.id, false],
        [other.id, true],
      ]),
    );
    expect(await rowOf(job.id)).toMatchObject({ epoch: 0, attempt: 0 });
  });

  it('clears the suspicion of a run that ended by itself, and keeps that of a released one, also over a delay', async () => {
    const ran = await test.rows.job({ state: 'running', suspicion: 2 });
    const released = await test.rows.job({ state: 'running', suspicion: 1 });
    const later = await test.rows.job({ state: 'running', suspicion: 2 });

    await settlements.putBack([
      retry(ran),
      retry(released, { ran: false, spent: 0 }),
      retry(later, { ran: false, spent: 0, delayMs: 60_000 }),
    ]);

    expect(await rowOf(ran.id)).toMatchObject({ suspicion: 0 });
    expect(await rowOf(released.id)).toMatchObject({ suspicion: 1, attempt: 0 });
    expect(await rowOf(later.id)).toMatchObject({ suspicion: 2 });
    const places = await test.database.query('select id from simple_queue.suspect');
    expect(places).toEqual([{ id: released.id }]);
    expect(await jobs.find(later.id)).toMatchObject({ state: 'scheduled' });
  });

  it('remembers the error and the last twenty entries of the history', async () => {
    let job = await test.rows.job({ state: 'running' });
    for (let attempt = 1; attempt <= 22; attempt++) {
      await settlements.putBack([
        retry(job, {
          error: { name: 'E', message: `no ${attempt}` },
          entry: { attempt, outcome: 'retried' },
        }),
      ]);
      await test.database.query('delete from simple_queue.ready');
      await test.database.query('update simple_queue.claim set epochs = array[$1::int]', [attempt]);
      job = { ...job, epoch: attempt };
    }

    const found = await jobs.find(job.id);
    expect(found?.lastError).toEqual({ name: 'E', message: 'no 22' });
    expect(found?.history.map((entry) => entry.attempt)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 3),
    );
    expect(Date.parse(found!.history[0]!.at)).not.toBeNaN();
  });

  it('keeps the last error where none is given', async () => {
    const job = await test.rows.job({ state: 'running' });
    await test.database.query(`update simple_queue.job set last_error = '{"name":"Before"}'`);
    await settlements.putBack([retry(job, { ran: false, spent: 0 })]);
    expect(await rowOf(job.id)).toMatchObject({ last_error: { name: 'Before' }, history: null });
  });

  it('does nothing for an empty batch', async () => {
    expect(await settlements.putBack([])).toEqual([]);
  });

  // A bulk cancel once met a return of the same jobs in the opposite order: each held what the other waited for.
  it('locks jobs in the order of their ids, in whichever order they are given', async () => {
    const batch = (await test.rows.jobs(2, { state: 'running' })).toSorted((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    const [first, last] = batch.map(({ id }) => id);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.job where id = $1 for update', [first]);
    const returning = settlements.putBack(batch.toReversed().map((job) => retry(job)));
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));

    await expect(
      rival.query('select from simple_queue.job where id = $1 for update nowait', [last]),
    ).resolves.toHaveLength(1);

    await rival.commit();
    await rival.close();
    expect(await returning).toHaveLength(2);
  });
});
