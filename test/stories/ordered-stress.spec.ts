import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import { Turns } from '../../lib/maintenance/turns.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import type { ClaimedRow } from '../../lib/storage/claim/row-mapper.js';
import { eventually } from '../support/eventually.js';
import { aStorage, joining, type TestStorage } from '../support/storage.js';
import { patient } from '../support/patience.mjs';
import { checkPlaces } from '../support/check-places.js';

const GROUPS = 12;
const PRODUCERS = 6;
const TRANSACTIONS = 40;
const WORKERS = 4;
const DAY_MS = 86_400_000;
const KEEP = { '': DAY_MS };
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** As a loop does: what somebody holds locked is tried again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== 'LOCK_TIMEOUT') throw error;
    }
}

const chance = (share: number): boolean => Math.random() < share;
const any = (count: number): number => Math.floor(Math.random() * count);

/** Producers, workers, turn duties and somebody who cancels, all at once, each on connections of its own. */
describe('ordered groups under stress', () => {
  let test: TestStorage;
  let lane: number;
  const lastSeq = new Map<string, number>();
  const running = new Set<string>();
  const found = { inversions: 0, overlaps: 0, errors: [] as string[], starts: 0 };

  beforeAll(async () => {
    test = await aStorage();
    lane = (await test.storage.lanes.of('work', '')).id;
  });
  afterAll(() => test.close());

  /** 40P01 is the one that must not be. */
  const note = (error: unknown): void =>
    void found.errors.push((error as DatabaseError).sqlState ?? String(error));

  async function produce(enqueuer: Enqueuer): Promise<void> {
    for (let n = 0; n < TRANSACTIONS; n++) {
      const group = `g${any(GROUPS)}`;
      const options = {
        group,
        ordered: true,
        staged: chance(0.1),
        ...(chance(0.1) ? { delayMs: any(20) } : {}),
      };
      const runner = test.dataSource.createQueryRunner();
      await runner.startTransaction();
      const items = Array.from({ length: 1 + any(3) }, () => ({ payload: group, ...options }));
      const answers = await enqueuer.enqueueMany('work', items, joining(test.storage, runner));
      if (chance(0.3)) await runner.query(`select pg_sleep(${Math.random() * 0.01})`);
      if (chance(0.1)) await runner.rollbackTransaction();
      else await runner.commitTransaction();
      await runner.release();
      if (options.staged) await Promise.all(answers.map(({ id }) => decide(id)));
    }
  }

  async function decide(id: string): Promise<void> {
    const { staged, database, cancels } = test.storage;
    await database.callers.transaction(async (run) => {
      if ((await staged.take(run, id)) !== 'inTime') return;
      if (chance(0.5)) await staged.commit(run, [id]);
      else await cancels.byId(run, [id], KEEP);
    });
  }

  async function work(done: () => boolean): Promise<void> {
    const { claims } = test.storage;
    const ranges = [{ priority: -32_768, runAt: '-infinity', id: FIRST_ID, upto: 32_767 }];
    while (!done()) {
      const wish = {
        claimId: randomUUID(),
        lease: randomUUID(),
        lanes: [{ lane, wanted: 5, ranges }],
        limit: 5,
      };
      const claimed = (await again(() => claims.settleAndClaim('w', [], [], wish))).jobs;
      for (const row of claimed) await start(row);
      await new Promise(setImmediate);
      for (const row of claimed) await again(() => end(row));
    }
  }

  async function start(row: ClaimedRow): Promise<void> {
    const group = JSON.parse(row.payload!) as string;
    const [job] = await test.database.query<{ seq: string }>(
      'select seq from simple_queue.job where id = $1',
      [row.id],
    );
    found.starts++;
    if (running.has(group)) found.overlaps++;
    if (Number(job!.seq) < (lastSeq.get(group) ?? 0)) found.inversions++;
    running.add(group);
    lastSeq.set(group, Number(job!.seq));
  }

  /** By any way there is. */
  async function end(row: ClaimedRow): Promise<void> {
    const { settlements, groups, database } = test.storage;
    const key = { id: row.id, epoch: row.epoch };
    running.delete(JSON.parse(row.payload!) as string);
    const success = { ...key, runMs: 1, keepMs: DAY_MS, output: undefined };
    const verdict = {
      state: 'failed',
      spent: 1,
      runMs: 1,
      deadLetterKeepMs: DAY_MS,
      archiveKeepMs: DAY_MS,
    } as const;
    const change = { delayMs: any(10), spent: 1, rescheduled: 0, ran: true } as const;
    const way = any(10);
    if (row.cancelled)
      await settlements.bury('w', [{ ...key, verdict: { ...verdict, state: 'cancelled' } }]);
    else if (way < 5) await groups.settle('w', [success]);
    else if (way < 6)
      await database.callers.transaction((run) => settlements.complete(run, 'w', success));
    else if (way < 7)
      await settlements.bury('w', [{ ...key, verdict: { ...verdict, onDeadJob: 'skip' } }]);
    else if (way < 8)
      await settlements.bury('w', [
        { ...key, verdict: { ...verdict, onDeadJob: chance(0.5) ? 'block' : 'halt' } },
      ]);
    else if (!(await settlements.putBack([{ ...key, change }]))[0]?.moved)
      await settlements.bury('w', [{ ...key, verdict: { ...verdict, state: 'cancelled' } }]);
  }

  async function disturb(done: () => boolean): Promise<void> {
    const { cancels, groups, database, staged } = test.storage;
    while (!done()) {
      await again(() => groups.release('work', `g${any(GROUPS)}`));
      const [job] = await test.database.query<{ id: string }>(
        'select id from simple_queue.job order by random() limit 1',
      );
      if (job && chance(0.3)) await again(() => cancels.byId(database.callers.run, [job.id], KEEP));
      await again(() => staged.expire(KEEP));
    }
  }

  async function promote(done: () => boolean): Promise<void> {
    const turns = new Turns(test);
    while (!done()) {
      await again(() => turns.round());
      await again(() => test.storage.claims.promote('-infinity', []));
    }
  }

  it(
    '0 stuck, 0 inversions, 0 deadlocks',
    async () => {
      const enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, test.events);
      let over = false;
      const done = () => over;
      const others = [
        ...Array.from({ length: WORKERS }, () => work(done).catch(note)),
        ...Array.from({ length: 2 }, () => promote(done).catch(note)),
        disturb(done).catch(note),
      ];
      await Promise.all(Array.from({ length: PRODUCERS }, () => produce(enqueuer).catch(note)));
      const left = async () =>
        (
          await test.database.query<{ n: number }>(
            'select count(*)::int as n from simple_queue.job',
          )
        )[0]!.n;
      await eventually(async () => found.errors.length > 0 || (await left()) === 0, {
        timeoutMs: 40_000,
      }).catch(note);
      over = true;
      await Promise.all(others);

      expect(await checkPlaces(test.storage)).toEqual([]);
      expect({ ...found, left: await left() }).toEqual({
        inversions: 0,
        overlaps: 0,
        errors: [],
        left: 0,
        starts: expect.any(Number),
      });
      expect(found.starts).toBeGreaterThan(200);
    },
    patient(60_000),
  );
});
