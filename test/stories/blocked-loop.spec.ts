import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { scaled } from '../support/patience.mjs';
import { Pooler } from '../support/pooler.js';
import { aStory } from '../support/story.js';

const CHILD = new URL('./child-worker.ts', import.meta.url);
const LEASE_MS = scaled(6_000);
const OPTIONS = {
  leaseMs: LEASE_MS,
  heartbeatIntervalMs: 400,
  reaperIntervalMs: 100,
};

describe('a handler that blocks the event loop of its process for longer than a lease', () => {
  const story = aStory();
  let child: Child;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sq-blocked-'));
  });
  afterEach(async () => {
    await child.kill();
    rmSync(folder, { recursive: true });
    // Where a test has failed, its jobs would block the next one's process for ever.
    await story.database.query('update simple_queue.job set payload = to_json($1::text)', [
      tmpdir(),
    ]);
  });

  async function block(options: Partial<SimpleQueueOptions> = {}, url = story.database.url) {
    const reaper = await story.start({ options: OPTIONS });
    const file = join(folder, 'go-on');
    const jobs = await reaper.queues.enqueueMany('blocks', [{ payload: file }, { payload: file }]);
    const settings = JSON.stringify({ ...OPTIONS, ...options });
    child = await new Child(CHILD, {
      DATABASE_URL: url,
      CHILD_HANDLERS: 'blocks',
      CHILD_OPTIONS: settings,
    }).ready();
    await child.says(({ event }) => event === 'started');
    return { reaper, jobs, goOn: () => writeFileSync(file, '') };
  }

  /** How long its lease goes on, by the database's clock, beyond the moment of the first question. */
  async function keptFor(since: Date): Promise<number> {
    const [row] = await story.database.query<{ until: Date }>(
      'select max(expires_at) as until from simple_queue.lease where worker like $1',
      [`%:${child.pid}`],
    );
    return row!.until ? row!.until.getTime() - since.getTime() : 0;
  }

  const databaseTime = async (): Promise<Date> =>
    (await story.database.query<{ now: Date }>('select clock_timestamp() as now'))[0]!.now;

  it.each([
    ['directly', {}],
    [
      'through a pooler that keeps no session',
      { poolMode: 'transaction', preparedStatements: false, wakeUp: 'off' },
    ],
  ] as const)(
    'keeps its lease and its jobs (%s)',
    async (_, options: Partial<SimpleQueueOptions>) => {
      const pooler = options.poolMode && (await Pooler.start(story.database.url, 'transaction'));
      const { reaper, jobs, goOn } = await block(options, pooler?.url);
      const since = await databaseTime();

      await eventually(async () => expect(await keptFor(since)).toBeGreaterThan(2 * LEASE_MS), {
        timeoutMs: 20_000,
      });
      goOn();

      for (const { id } of jobs)
        await eventually(async () =>
          expect(await reaper.queues.find(id)).toMatchObject({ state: 'succeeded', attempt: 1 }),
        );
      expect(child.said.filter(({ event }) => event === 'started')).toHaveLength(2);
      expect(
        child.said.filter(({ event }) =>
          ['leaseLost', 'leaseLapsed', 'warning'].includes(String(event)),
        ),
      ).toEqual([]);
      pooler?.stop();
    },
  );

  it('loses them after stuckMs, as if it were dead, and learns of it when it goes on', async () => {
    const { reaper, jobs, goOn } = await block({ stuckMs: 1_000 });

    await eventually(async () => expect(await reaper.queues.find(jobs[0]!.id)).toMatchObject({ state: 'ready' }), { timeoutMs: 20_000 }); // prettier-ignore
    goOn();

    await child.says(({ event }) => event === 'leaseLapsed');
    for (const { id } of jobs)
      await eventually(async () => expect(await reaper.queues.find(id)).toMatchObject({ state: 'succeeded' }), { timeoutMs: 20_000 }); // prettier-ignore
  });

  it('leaves nothing behind that keeps its process alive', async () => {
    const { goOn } = await block();
    goOn();
    await child.says(({ event }) => event === 'succeeded');
    child.signal('SIGTERM');
    await child.exited();
    expect(child.said.at(-1)).toMatchObject({ event: 'workerStopped', released: 0 });
  });
});
