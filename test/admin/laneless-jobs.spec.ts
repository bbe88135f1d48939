import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JobFilter } from '../../lib/admin/job-filter.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const DAY_MS = 86_400_000;

/** Somebody has deleted the row of a lane, or restored a dump without it. */
describe('jobs whose lane was deleted', () => {
  let test: TestStorage;
  let admin: QueueAdmin;

  beforeAll(async () => {
    test = await aStorage();
    admin = new QueueAdmin(test.storage, test.options);
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.rows.lane('mail');
  });
  afterAll(() => test.close());

  const deleteLane = (lane: number) =>
    test.database.query('delete from simple_queue.lane where id = $1', [lane]);
  const listed = async (filter: JobFilter) =>
    (await admin.jobs(filter, { limit: 10 })).jobs.map(({ id, queue, name, state }) => ({ id, queue, name, state })); // prettier-ignore

  async function aDead(name: string) {
    const job = await test.rows.job({ state: 'running', name });
    const verdict = { state: 'failed', spent: 1, runMs: 5, deadLetterKeepMs: DAY_MS, archiveKeepMs: DAY_MS } as const; // prettier-ignore
    const error = { name: 'Error', message: 'no such address', code: 'E1', stack: 'at a' };
    await test.storage.settlements.bury('host:1', [{ ...job, verdict: { ...verdict, error } }]);
    await test.database.query(`update simple_queue.dead_letter set error_key = 'k'`);
    await deleteLane(job.lane);
    return job.id;
  }

  it.each(['ready', 'scheduled', 'suspect'] as const)(
    'are listed while %s, with their queue and without a name, and can be canceled',
    async (state) => {
      const { id, lane } = await test.rows.job({ name: 'welcome', state });
      await deleteLane(lane);
      const shown = { id, queue: 'mail', name: '', state: state === 'suspect' ? 'ready' : state };
      for (const filter of [{}, { id }, { queue: 'mail' }])
        expect(await listed(filter)).toEqual([shown]);
      expect(await listed({ queue: 'post' })).toEqual([]);
      expect(await admin.job(id)).toMatchObject({ ...shown, labels: [] });
      expect((await admin.explain(id)).reasons).toMatchObject([{ code: 'NO_LANE' }]);
      expect(await admin.cancel({ id })).toMatchObject({ cancelled: 1 });
      expect(await admin.job(id)).toMatchObject({ state: 'cancelled', queue: 'unknown' });
      expect(await listed({})).toEqual([{ ...shown, queue: 'unknown', state: 'cancelled' }]);
    },
  );

  it('are among the troubles while they are suspects, with their queue and their ids', async () => {
    const { id, lane } = await test.rows.job({ name: 'welcome', state: 'suspect' });
    await deleteLane(lane);
    expect(await admin.troubles()).toContainEqual(expect.objectContaining({ code: 'SUSPECTS', queue: 'mail', ids: [id] })); // prettier-ignore
  });

  it('are listed when dead, among errors as well; a retry says what is missing, and a purge works', async () => {
    const id = await aDead('gone');
    expect(await listed({})).toEqual([{ id, queue: 'unknown', name: '', state: 'failed' }]);
    expect(await admin.errors()).toMatchObject([{ example: { id } }]);
    await expect(admin.retry(id)).rejects.toMatchObject({
      code: 'JOB_HELD',
      message: expect.stringContaining('Put it back'),
    });
    expect((await admin.explain(id)).reasons.at(-1)).toMatchObject({ code: 'NO_LANE' });
    await admin.change(id, { priority: 3 });
    expect(await admin.job(id)).toMatchObject({ priority: 3 });
    await admin.purge({ id });
    expect(await admin.job(id)).toBeUndefined();
  });

  it('free their ordered group when a dead one is purged', async () => {
    const id = await aDead('gone');
    const query = (text: string) => test.database.query(text, [id]);
    await query(
      `update simple_queue.dead_letter set options = '{"ordered": true, "group": "g"}' where id = $1`,
    );
    await query(`insert into simple_queue.head (group_name, shard, queue, dead, dead_seq, dead_at, dead_until)
      select 'g', 0, id, $1::uuid, 1, now(), now() + interval '1 day' from simple_queue.queue limit 1`);
    expect(await admin.blockedGroups()).toMatchObject([{ queue: 'mail', group: 'g' }]);
    await admin.purge({ id });
    expect(await admin.blockedGroups()).toEqual([]);
  });
});
