import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { Janitor } from '../../lib/maintenance/janitor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { JobRowOptions } from '../support/rows.js';
import { aSite } from '../support/site.js';
import { aStorage, openStorage, Rival, type TestStorage } from '../support/storage.js';

const DAY_MS = 86_400_000;

describe('lanes that nobody uses', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(async () => {
    await test.rows.clear();
    for (const table of ['lease', 'head', 'lane', 'queue'])
      await test.database.query(`delete from simple_queue.${table}`);
  });
  afterAll(() => test.close());

  const older = (column: string, days: number) =>
    test.database.query(
      `update simple_queue.lane set ${column} = ${column} - $1 * interval '1 day'`,
      [days],
    );
  const names = async () =>
    (
      await test.database.query<{ name: string }>(
        'select name from simple_queue.queue order by name',
      )
    ).map(({ name }) => name);
  const noted = async () =>
    (
      await test.database.query<{ name: string }>(
        'select name from simple_queue.lane where unused_at is not null order by name',
      )
    ).map(({ name }) => name);

  /** A lane in each queue, long ago. */
  async function someLanes(...queues: string[]): Promise<void> {
    for (const queue of queues) await test.rows.lane(queue, queue);
    await older('created_at', 9);
  }

  it('are noted, and go with their queues when the note is old enough', async () => {
    await someLanes('a', 'b');
    expect(await test.storage.unusedLanes.note(0)).toBe(0);
    expect(await noted()).toEqual(['a', 'b']);
    await test.storage.unusedLanes.remove(8 * DAY_MS);
    expect(await names()).toEqual(['a', 'b']);
    await older('unused_at', 9);
    expect(await test.storage.unusedLanes.remove(8 * DAY_MS)).toEqual({ lanes: 2, queues: 2 });
    expect(await names()).toEqual([]);
  });

  it.each<[string, JobRowOptions]>([
    ['ready', {}],
    ['scheduled', { state: 'scheduled' }],
    ['running', { state: 'running' }],
    ['suspect', { state: 'suspect', suspicion: 1 }],
  ])('are not those in which a job is %s, also where they were noted', async (_, job) => {
    await someLanes('a', 'b');
    await test.storage.unusedLanes.note(0);
    await test.rows.job({ ...job, queue: 'a', name: 'a' });
    await older('unused_at', 9);
    await test.storage.unusedLanes.remove(8 * DAY_MS);
    expect(await names()).toEqual(['a']);
    await test.storage.unusedLanes.note(0);
    // What runs is not looked for again: the note of a lane that waits for its removal costs nothing.
    expect(await noted()).toEqual(job.state === 'running' ? ['a'] : []);
    await test.rows.clear();
  });

  it('are not those that a live worker serves', async () => {
    await someLanes('a', 'b');
    const { id } = await test.rows.lane('a', 'a');
    await test.storage.leases.take(crypto.randomUUID(), 'w', 60_000, { lanes: [id] });
    await test.storage.unusedLanes.note(0);
    expect(await noted()).toEqual(['b']);
  });

  it('are not those of dead letters; and a paused queue stays, and one with groups', async () => {
    await someLanes('dead', 'groups', 'paused', 'plain');
    const dead = await test.rows.lane('dead', 'dead');
    const groups = await test.rows.lane('groups', 'groups');
    await test.database.query(
      `insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       values (gen_random_uuid(), 0, 'failed', $1, 0, 1, 0, 0, now(), now(), now(), now() + interval '1 day')`,
      [dead.id],
    );
    await test.database.query(
      `insert into simple_queue.head (group_name, shard, queue) values ('g', 0, $1)`,
      [groups.queueId],
    );
    await test.storage.queues.pause('paused', true);
    await test.storage.unusedLanes.note(0);
    await older('unused_at', 9);
    expect(await test.storage.unusedLanes.remove(8 * DAY_MS)).toEqual({ lanes: 3, queues: 1 });
    expect(await names()).toEqual(['dead', 'groups', 'paused']);
    await test.database.query('delete from simple_queue.dead_letter');
  });

  it('stay as long as another process keeps the archived jobs that have their names from them', async () => {
    await someLanes('kept');
    const janitorOf = (keepMs: number) =>
      new Janitor(aSite(test, { archive: { keepMs }, deadLetter: { keepMs: DAY_MS } }));
    await janitorOf(60 * DAY_MS).round();
    await older('unused_at', 30);
    await janitorOf(DAY_MS).round();
    expect(await names()).toEqual(['kept']);
    await older('unused_at', 100);
    await janitorOf(DAY_MS).round();
    expect(await names()).toEqual([]);
  });

  it('come back with an enqueue from a process that remembers them: before they went and after', async () => {
    const enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, new QueueEventBus());
    const enqueue = () => enqueuer.enqueue('a', { payload: 1, name: 'a' }, {});
    const laneOf = async ({ id }: { id: string }) =>
      (
        await test.database.query<{ lane: number }>(
          'select lane from simple_queue.job where id = $1',
          [id],
        )
      )[0]!.lane;
    await enqueue();
    const first = (await test.rows.lane('a', 'a')).id;
    await test.rows.clear();
    await older('created_at', 9);
    await test.storage.unusedLanes.note(0);
    expect(await laneOf(await enqueue())).toBe(first);
    expect(await noted()).toEqual([]);

    await test.rows.clear();
    await test.storage.unusedLanes.note(0);
    await older('unused_at', 9);
    await test.storage.unusedLanes.remove(8 * DAY_MS);
    expect(await laneOf(await enqueue())).not.toBe(first);
    await test.rows.clear();
  });

  it('come back with SQL producers, who have no right to change anything else', async () => {
    await someLanes('a');
    await test.storage.unusedLanes.note(0);
    await test.database.query(`select simple_queue.enqueue('a', name => 'a')`);
    expect(await noted()).toEqual([]);
    await test.rows.clear();
  });

  it('are left to who registers them again in an open transaction', async () => {
    await someLanes('a', 'b');
    await test.storage.unusedLanes.note(0);
    await older('unused_at', 9);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select simple_queue.enqueue('a', name => 'a')`);
    expect(await test.storage.unusedLanes.remove(8 * DAY_MS)).toEqual({ lanes: 1, queues: 1 });
    await rival.commit();
    await rival.close();
    expect(await test.storage.unusedLanes.remove(8 * DAY_MS)).toEqual({ lanes: 0, queues: 0 });
    expect(await names()).toEqual(['a']);
    await test.rows.clear();
  });

  it('are looked at page by page, however many a hostile producer made, and cost a process that serves none of them nothing', async () => {
    const { queueId } = await test.rows.lane('many', '');
    await test.rows.lanes(queueId, 1, 2_500);
    const pages = [await test.storage.unusedLanes.note(0)];
    while (pages.at(-1)! > 0) pages.push(await test.storage.unusedLanes.note(pages.at(-1)!));
    expect(pages).toHaveLength(3);
    expect(await noted()).toHaveLength(2_500);
    const other = await openStorage(test.dataSource);
    expect(await other.lanes.served([{ queue: 'mine' }, { queue: 'mine.*' }])).toEqual([]);
    await other.onApplicationShutdown();
  });
});
