import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflow } from '../../lib/workflows/builder.js';
import { patient } from '../support/patience.mjs';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

const JOBS = 10_000;
const AT_ONCE = 8;
const PAGE = 250;

/** No loop turns here. */
describe('a job that waits for 10,000 others', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) =>
    test.database.query<{ id: string; epoch: number }>(sql, values);
  const live = () => query('select id, epoch from simple_queue.job');
  /** By eight workers at once. */
  async function settle(jobs: { id: string; epoch: number }[]): Promise<void> {
    const pages = Array.from({ length: Math.ceil(jobs.length / PAGE) }, (_, n) => jobs.slice(n * PAGE, (n + 1) * PAGE)); // prettier-ignore
    const work = async () => {
      for (let page = pages.pop(); page; page = pages.pop()) {
        const successes = page.map((job) => ({ ...job, runMs: 1, keepMs: undefined, output: '1' }));
        expect((await test.storage.workflows.settle('w', successes)).lost).toEqual([]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };

  it(
    'begins once, behind all of them, in the attempt after a deadline that passed while thousands ran',
    async () => {
      const payloads = Array.from({ length: JOBS }, (_, n) => n);
      const flow = workflow('fan').each('a', 'work', payloads).step('b', 'work', 1, { after: 'a' });
      const { id } = await workflows.start(flow, { deadlineMs: 3_600_000 });
      const [done, late] = [(await live()).slice(0, 6_000), (await live()).slice(6_000, 8_000)];
      await settle(done);
      await query('delete from simple_queue.ready where id = any($1)', [late.map((job) => job.id)]);
      await test.rows.claim(late, await test.rows.lease());
      await query('update simple_queue.workflow set deadline_at = now() where id = $1', [id]);
      await advance();
      expect(await live()).toHaveLength(late.length);
      await settle(late);
      await advance();
      expect(await workflows.find(id)).toMatchObject({ state: 'failed', stop: 'expired' });

      expect(await workflows.retry(id)).toBe(2);
      const again = await live();
      expect(again).toHaveLength(JOBS - done.length - late.length);
      await settle(again);
      const last = await live();
      expect(last).toHaveLength(1);
      const { a } = await workflows.upstream(last[0]!);
      expect(a).toHaveLength(JOBS);
      await settle(last);
      expect(await workflows.find(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    },
    patient(120_000),
  );
});
