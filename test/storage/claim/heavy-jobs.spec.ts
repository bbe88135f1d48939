import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { QueueService } from '../../../lib/queue.service.js';
import { checkPlaces } from '../../support/check-places.js';
import { eventually } from '../../support/eventually.js';
import { Rival, aStorage, waitingBackends, type TestStorage } from '../../support/storage.js';

const KIB = 1_024;
const MANY = 12;
const BEFORE_ALL = {
  priority: -32_768,
  runAt: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
  upto: 32_767,
};
/** Nobody can press it together. */
const noise = (characters: number) => Array.from({ length: Math.ceil(characters / 32) }, () => randomUUID().replaceAll('-', '')).join('').slice(0, characters); // prettier-ignore

/** What comes down over a line is bounded in bytes before it leaves, whatever lies in the rows, and however small it lies there. */
describe('heavy jobs', () => {
  let test: TestStorage;
  let lane: number;

  beforeAll(async () => {
    test = await aStorage();
    lane = (await test.storage.lanes.of('heavy', '')).id;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const jobs = (count = MANY) => test.rows.jobs(count, { queue: 'heavy' });
  const change = (change: string, values: unknown[] = []) =>
    test.database.query(`update simple_queue.job set ${change}`, values);
  const claim = async (limit: number, bytes?: number): Promise<ClaimedRow[]> => {
    const wish = {
      ...(bytes && { bytes }),
      claimId: randomUUID(),
      lease: randomUUID(),
      lanes: [{ lane, wanted: limit, ranges: [BEFORE_ALL] }],
      limit,
    };
    return (await test.storage.claims.settleAndClaim('w', [], [], wish)).jobs;
  };
  const carried = (rows: ClaimedRow[]) =>
    rows.reduce((sum, { payload, payloadBytes, options, lastError }) => sum + [payload, payloadBytes, options, lastError].join('').length, 0); // prettier-ignore

  const HEAVY: [string, string, () => unknown][] = [
    ['a payload', 'payload = to_json($1::text)', () => noise(100 * KIB)],
    ['a payload that lies compressed', 'payload = to_json($1::text)', () => 'x'.repeat(100 * KIB)],
    ['bytes', `payload_bytes = decode($1::text, 'hex')`, () => noise(100 * KIB)],
    [
      'a checkpoint',
      `options = jsonb_build_object('checkpoint', $1::text)`,
      () => noise(100 * KIB),
    ],
    [
      'headers',
      `options = jsonb_build_object('headers', jsonb_build_object('h', $1::text))`,
      () => noise(100 * KIB),
    ],
    [
      'an error',
      `last_error = jsonb_build_object('name', 'E', 'message', 'm', 'stack', $1::text)`,
      () => noise(100 * KIB),
    ],
  ];

  it.each(HEAVY)(
    'are claimed without what is heavy in them, which is fetched: %s',
    async (_what, set, value) => {
      await jobs();
      await change(set, [value()]);

      const rows = await claim(MANY);
      expect(rows).toHaveLength(MANY);
      expect(carried(rows)).toBeLessThan(128 * KIB);
      expect(rows.every(({ weight }) => weight > 0)).toBe(true);

      const parts = await test.storage.claims.fetchHeavy(rows.slice(0, 2));
      expect([...parts.keys()].sort()).toEqual(rows.slice(0, 2).map(({ id }) => id).sort()); // prettier-ignore
      rows[0]!.fill!(parts.get(rows[0]!.id)!);
      const [whole] = await test.database.query<Record<string, string | null>>(
        `select options::text, payload::text, payload_bytes::text as "payloadBytes", last_error::text as "lastError" from simple_queue.job where id = $1`,
        [rows[0]!.id],
      );
      expect(rows[0]).toMatchObject(whole!);
    },
  );

  it('keep what a worker has to know before: that they are ordered, and their group', async () => {
    await jobs(2);
    await change(`options = '{"ordered": true, "group": "g"}', payload = to_json($1::text)`, [
      noise(300 * KIB),
    ]);
    expect(JSON.parse((await claim(2))[0]!.options!)).toEqual({ ordered: true, group: 'g' });
  });

  it('are told by what they are for a claim of that size: what is small enough comes along', async () => {
    await jobs();
    await change('payload = to_json($1::text)', [noise(10 * KIB)]);
    expect((await claim(MANY)).every(({ weight }) => weight === 0)).toBe(true);
  });

  it.each(['incompressible', 'compressible'])(
    'come along where the claim says that they may, each with all that it holds: %s',
    async (kind) => {
      await jobs(2);
      const text = kind === 'compressible' ? 'x'.repeat(100 * KIB) : noise(100 * KIB);
      await change(
        `payload = to_json($1::text), options = '{"checkpoint": 1}', last_error = '{"name": "E", "message": "m"}'`,
        [text],
      );
      const rows = await claim(2, 8 * 101 * KIB);
      expect(
        rows.map(({ payload, weight, options, lastError }) =>
          [payload, weight, options, lastError].join(),
        ),
      ).toEqual(
        // prettier-ignore
        Array.from({ length: 2 }, () => [JSON.stringify(text), 0, '{"checkpoint": 1}', '{"name": "E", "message": "m"}'].join()), // prettier-ignore
      );
      await test.rows.clear();
      await jobs(2);
      await change('payload = to_json($1::text)', [text]);
      const left = await claim(2, 8 * 99 * KIB);
      expect(left.map(({ weight }) => weight > 0)).toEqual([true, true]);
    },
  );

  it.each([
    [3, 0],
    [6, 2],
  ])('of %d KiB lie in %d rows beside the table', async (kib, beside) => {
    await jobs(2);
    await change('payload = to_json($1::text)', [noise(kib * KIB)]);
    const [{ name }] = (await test.database.query<{ name: string }>(
      `select reltoastrelid::regclass::text as name from pg_class where oid = 'simple_queue.job'::regclass`,
    )) as [{ name: string }];
    const pieces = await test.database.query(`select distinct chunk_id from ${name}`);
    expect(pieces).toHaveLength(beside);
  });

  it('that somebody else holds by now are not fetched', async () => {
    await jobs(2);
    await change('payload = to_json($1::text)', [noise(300 * KIB)]);
    const rows = await claim(2);
    const late = { id: rows[0]!.id, epoch: rows[0]!.epoch - 1 };
    expect([...(await test.storage.claims.fetchHeavy([late, rows[1]!])).keys()]).toEqual([
      rows[1]!.id,
    ]);
  });

  it('are pulled a mebibyte at a time, and one by one where each is more', async () => {
    const pull = async () =>
      (await test.storage.pulls.claim({ lease: randomUUID(), worker: 'w', leaseMs: 60_000, lanes: [lane], limit: 50, suspects: 5 })).length; // prettier-ignore
    await jobs(7);
    await change('payload = to_json($1::text)', [noise(300 * KIB)]);
    expect([await pull(), await pull(), await pull(), await pull()]).toEqual([3, 3, 1, 0]);

    await test.rows.clear();
    await jobs(2);
    await change('payload = to_json($1::text)', ['x'.repeat(1_100 * KIB)]);
    expect([await pull(), await pull(), await pull()]).toEqual([1, 1, 0]);
  });

  it('are pulled from the groups of a fair queue as they fit, and in turn', async () => {
    await jobs(8);
    await test.database.query('delete from simple_queue.ready');
    await change('payload = to_json($1::text)', [noise(300 * KIB)]);
    await change(`fair = true, group_name = chr(97 + (n % 4)::int) from (select id as job, row_number() over (order by id) as n from simple_queue.job) r where id = job`); // prettier-ignore
    await test.database.query(
      `insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
       select lane, 0, group_name, priority, run_at, id, epoch from simple_queue.job`,
    );
    const pulled: string[] = [];
    for (let after: string | null = null, n = 0; n < 4; n++) {
      const claimed = await test.storage.pulls.claimFair({ lease: randomUUID(), worker: 'w', leaseMs: 60_000, lane, after, limit: 4 }); // prettier-ignore
      ({ after } = claimed);
      const ids = claimed.jobs.map(({ id }) => id);
      const groups = await test.database.query<{ name: string }>(
        `select string_agg(group_name, '' order by group_name) as name from simple_queue.job where id = any($1)`,
        [ids],
      );
      pulled.push(groups[0]!.name);
    }
    expect(pulled).toEqual(['abc', 'abd', 'cd', null]);
  });

  it('do not wait behind places of no job, which go', async () => {
    await jobs(1);
    await test.database.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
       select $1, 0, -1, now(), gen_random_uuid(), 0 from generate_series(1, 3)`,
      [lane],
    );
    const pulled: number[] = [];
    for (let n = 0; n < 4; n++)
      pulled.push((await test.storage.pulls.claim({ lease: randomUUID(), worker: 'w', leaseMs: 60_000, lanes: [lane], limit: 1, suspects: 1 })).length); // prettier-ignore
    expect(pulled).toEqual([0, 0, 0, 1]);
  });

  it('are enqueued one after another, and nothing small waits for them', async () => {
    const { options } = resolveOptions({});
    const queues = new QueueService(test.storage, options, test.events);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('lock table simple_queue.job in share mode');
    const heavy = Array.from({ length: 6 }, (_, n) =>
      queues.enqueue('heavy', noise(900 * KIB), { delayMs: 60_000 + n }),
    );
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    const small = Array.from({ length: 2 }, (_, n) =>
      queues.enqueue('heavy', n, { uniqueKey: `${n}` }),
    );
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(3));
    await rival.commit();
    await rival.close();
    expect(await Promise.all([...heavy, ...small])).toHaveLength(8);
  });
});
