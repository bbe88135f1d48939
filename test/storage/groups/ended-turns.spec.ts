import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { SHARD } from '../../../lib/storage/connection/shard.js';
import { TAKE_BACK } from '../../../lib/storage/keys/take-back.sql.js';
import { checkPlaces } from '../../support/check-places.js';
import { PLACES, TABLE } from '../../support/places.js';
import { allStatements } from '../../support/statements.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const KEEP = { '': 86_400_000 };
const QUEUES = { work: { perKey: { by: 'tenant', concurrency: 1 } } };
/** Where a job stands that has its turn and waits. */
const OF_TURN = ['ready', 'suspect', 'scheduled', 'keyed', 'staged'];

const HEADS: Record<string, Partial<EnqueueItem>> = {
  ready: {},
  suspect: {},
  scheduled: { delayMs: 3_600_000 },
  keyed: { payload: { tenant: 'a' } },
  staged: { staged: true },
};

let test: TestStorage;
let enqueuer: Enqueuer;

beforeAll(async () => {
  test = await aStorage();
  enqueuer = new Enqueuer(test.storage, resolveOptions({ queues: QUEUES }).options, test.events);
});
beforeEach(() => test.rows.clear());
afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
afterAll(() => test.close());

const query = <Row extends object>(text: string, values: unknown[] = []) =>
  test.database.query<Row>(text, values);
const run = () => test.storage.database.callers.run;
const enqueue = async (more: Partial<EnqueueItem> = {}) =>
  (await enqueuer.enqueue('work', { payload: {}, group: 'g', ordered: true, ...more }, {})).id;

/** What ends a job where it waits, by the statement that does. */
const WAYS: Record<string, (id: string) => Promise<unknown>> = {
  cancel: (id) => test.storage.cancels.byId(run(), [id], KEEP),
  take_back: (id) => run()(TAKE_BACK, [SHARD, [id]]),
  expire_staged: async (id) => {
    await query(`update simple_queue.job set commit_by = now() where id = $1`, [id]);
    await test.storage.staged.expire(KEEP);
  },
  fail_dependents: (id) =>
    test.storage.staged.failDependents(run(), { keep: KEEP, errors: { [id]: {} } }),
};

const rows = TABLE.trim().split('\n').slice(1).map((row) => row.trim().split(/\s+/)); // prettier-ignore
/** From which of these places a statement takes jobs. */
const takenBy = (name: string): string[] => {
  const [, ...cells] = rows.find(([other]) => other === name)!;
  return OF_TURN.filter((place) => cells[PLACES.indexOf(place)]!.includes('-'));
};

it('is asked of each statement that ends jobs where they wait', async () => {
  const ending = (await allStatements())
    .filter(([, { text }]) => /delete from simple_queue\.job\b/.test(text))
    .filter(([, { text }]) => !text.includes('insert into simple_queue.claim'))
    .filter(([name]) => rows.some(([other]) => other === name) && takenBy(name).length > 0);
  expect(ending.map(([name]) => name).toSorted()).toEqual(
    [...Object.keys(WAYS), 'clear'].toSorted(),
  );
});

describe.each(Object.keys(WAYS))('the turn of a job that %s ends', (way) => {
  it.each(takenBy(way))('is vacant, and the next one has it: %s', async (place) => {
    const id = await enqueue(HEADS[place]);
    if (place === 'suspect') await suspected(id);
    expect(await query(`select id from simple_queue.${place}`)).toEqual([{ id }]);
    const next = await enqueue();

    await WAYS[way]!(id);

    expect(await checkPlaces(test.storage)).toEqual([]);
    expect(await test.storage.groups.handOn()).toMatchObject({ dealt: 1 });
    expect(await query('select id from simple_queue.ready')).toEqual([{ id: next }]);
  });
});

it('is made vacant by the janitor where nobody holds it, also where no job waits, and nowhere else', async () => {
  const [stuck, next, head] = [await enqueue(), await enqueue(), await enqueue({ group: 'h' })];
  await enqueue({ group: 'h' });
  await enqueue({ group: 'keyed', ...HEADS.keyed });
  await enqueue({ group: 'staged', ...HEADS.staged });
  const idle = await enqueue({ group: 'idle' });
  for (const place of ['ready', 'job'])
    await query(`delete from simple_queue.${place} where id = any($1)`, [[stuck, idle]]);
  expect(await test.storage.groups.freeStuck()).toMatchObject({ freed: 2 });
  expect(await checkPlaces(test.storage)).toEqual([]);
  expect(await test.storage.groups.freeStuck()).toMatchObject({ freed: 0 });
  await test.storage.groups.handOn();
  expect(await query('select id from simple_queue.ready order by id')).toEqual([{ id: next }, { id: head }]); // prettier-ignore
});

async function suspected(id: string): Promise<void> {
  await query('update simple_queue.job set suspicion = 1 where id = $1', [id]);
  await query(
    `with gone as (delete from simple_queue.ready where id = $1 returning *)
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch) select lane, shard, 1, run_at, id, epoch from gone`,
    [id],
  );
}
