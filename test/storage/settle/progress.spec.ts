import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SaidProgress } from '../../../lib/job/progress.js';
import { checkPlaces } from '../../support/check-places.js';
import type { JobRow } from '../../support/rows.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';

const EACH_MS = 3_600_000;

describe('progress', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const run = () => test.storage.database.settlers.run;
  const running = () => test.rows.job({ state: 'running' });
  const say = async (
    { id, epoch }: Pick<JobRow, 'id' | 'epoch'>,
    progress: SaidProgress,
    each = 0,
  ) => (await test.storage.progress.save(run(), [{ id, epoch, progress }], each)).get(id);
  const storedOf = async ({ id }: Pick<JobRow, 'id'>) =>
    (await test.storage.jobs.find(id))?.progress;

  it('of many jobs is kept with one statement, over the last one, with its attempt and the time of the database', async () => {
    const jobs = [await running(), await running()];
    await say(jobs[0]!, { done: 1 });

    const kept = await test.storage.progress.save(
      run(),
      jobs.map(({ id, epoch }, index) => ({
        id,
        epoch,
        progress: { done: index, of: 4, note: 'n' },
      })),
    );

    expect(kept.size).toBe(2);
    for (const [index, job] of jobs.entries())
      expect(await storedOf(job)).toEqual({
        ...{ done: index, of: 4, share: index / 4, note: 'n', attempt: 1 },
        at: new Date(kept.get(job.id)!.at),
      });
  });

  it('of a run that lost its job changes nothing', async () => {
    const job = await running();

    expect(await say({ ...job, epoch: job.epoch + 1 }, { done: 1 })).toBeUndefined();

    expect(await storedOf(job)).toBeUndefined();
  });

  it('waits for nobody who holds the row, and keeps that of others meanwhile', async () => {
    const [held, free] = [await running(), await running()];
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.job where id = $1 for update', [held.id]);

    const kept = await test.storage.progress.save(
      run(),
      [held, free].map(({ id, epoch }) => ({ id, epoch, progress: { done: 1 } })),
    );

    expect([...kept.keys()]).toEqual([free.id]);
    await rival.rollback();
    await rival.close();
  });

  it('that is said too often is not kept, unless all is done', async () => {
    const job = await running();
    await say(job, { done: 1, of: 3 }, EACH_MS);

    expect(await say(job, { done: 2, of: 3 }, EACH_MS)).toBeUndefined();
    expect(await storedOf(job)).toMatchObject({ done: 1 });
    expect(await say(job, { done: 3, of: 3 }, EACH_MS)).toMatchObject({ done: 3 });
  });

  it('stands in no index, so that a new version of the row may stay on its page', async () => {
    const indexes = await test.database.query(
      `select objid::regclass from pg_depend join pg_attribute a on a.attrelid = refobjid and a.attnum = refobjsubid
       where classid = 'pg_class'::regclass and refobjid = 'simple_queue.job'::regclass and a.attname = 'progress'`,
    );

    expect(indexes).toEqual([]);
  });
});
