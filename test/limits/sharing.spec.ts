import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Sharing } from '../../lib/limits/sharing.js';
import type { LimitRepository } from '../../lib/storage/limits/limit.repository.js';
import { aFleetLimit, aLane, aRun } from '../support/runs.js';
import { aStorage, type TestStorage } from '../support/storage.js';

let test: TestStorage;

beforeAll(async () => {
  test = await aStorage();
});
afterAll(() => test.close());

it('a process with a backlog keeps its part, though all that it held has run while the database was asked', async () => {
  const { limits } = test.storage;
  const name = 'work';
  await limits.declare({ name, ofQueue: true, concurrency: 4 });
  const { lane: id } = await test.rows.job({ queue: name });
  const [own, other] = [await test.rows.lease(), await test.rows.lease()];
  const lane = aLane({ id, limit: 4 });
  const permits = aFleetLimit({ name, ofQueue: true, concurrency: 4 });
  lane.bind([permits]);
  const look: LimitRepository['look'] = async (...asked) => {
    const seen = await limits.look(...asked);
    lane.giveBack();
    return seen;
  };
  const sharing = new Sharing(permits, {
    limits: { look, take: limits.take.bind(limits), give: limits.give.bind(limits) },
    declares: () => null,
    pollIntervalMs: 1_000,
    tell: () => undefined,
    onRoom: () => undefined,
    onEmptied: () => undefined,
  });
  await sharing.round(own);
  await limits.take(name, { lease: other, more: 2, wanted: 4, lanes: [id], declares: null });
  await test.database.query(
    `update simple_queue.allotment set turn_at = now() - interval '1 hour'`,
  );
  for (let n = 0; n < 9; n++) lane.add(aRun({}, { lane }));
  expect([permits.n, lane.wish, lane.coming]).toEqual([4, 0, 9]);

  sharing.hear();
  await sharing.round(own);

  const { shares } = (await limits.look(name, []))!;
  expect(shares.find(({ lease }) => lease === own)).toMatchObject({ n: 2, wanted: 4 });
});
