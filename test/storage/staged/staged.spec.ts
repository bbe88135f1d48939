import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import { TwoPhase } from '../../../lib/enqueue/two-phase.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { CancelRepository } from '../../../lib/storage/operate/cancel.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import type { Signal } from '../../../lib/storage/wake-ups/signals.js';
import { aStorage, joining, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const KEEP = { '': DAY_MS };

describe('two-phase enqueue', () => {
  let test: TestStorage;
  let cancels: CancelRepository;
  let jobs: FindRepository;
  let enqueuer: Enqueuer;
  let twoPhase: TwoPhase;
  let heard: Signal[] = [];

  beforeAll(async () => {
    test = await aStorage();
    ({ cancels, jobs } = test.storage);
    enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, test.events);
    twoPhase = new TwoPhase(test.storage, KEEP);
    test.storage.signals.receive((signal) => void heard.push(signal));
  });
  beforeEach(async () => {
    await test.rows.clear();
    heard = [];
  });
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const stage = async (options: Partial<EnqueueItem> = {}, manager?: QueryRunner) =>
    (
      await enqueuer.enqueue(
        'mail',
        { payload: null, staged: true, ...options },
        manager ? joining(test.storage, manager) : {},
      )
    ).id;
  const plain = async (options: Partial<EnqueueItem>) =>
    (await enqueuer.enqueue('mail', { payload: null, ...options }, {})).id;
  const commit = (id: string, manager?: QueryRunner) =>
    twoPhase.commit(id, test.storage.database.transactionOf({ manager }));
  const abort = (id: string, manager?: QueryRunner) =>
    twoPhase.abort(id, test.storage.database.transactionOf({ manager }));
  const expire = () => test.storage.staged.expire(KEEP);
  const letTimePass = (id: string) =>
    test.database.query(
      `update simple_queue.job set commit_by = now() - interval '1 ms' where id = $1 and commit_by is not null`,
      [id],
    );
  const stateOf = async (id: string) => (await jobs.find(id))?.state;
  const handOn = () => test.storage.groups.handOn();
  async function inTransaction<T>(
    work: (manager: QueryRunner) => Promise<T>,
  ): Promise<{ result: T; runner: QueryRunner }> {
    const runner = test.dataSource.createQueryRunner();
    await runner.startTransaction();
    return { result: await work(runner), runner };
  }
  const end = async (runner: QueryRunner, how: 'commit' | 'rollback') => {
    if (how === 'commit') await runner.commitTransaction();
    else await runner.rollbackTransaction();
    await runner.release();
  };

  it('a staged job is live and runs nowhere; its commit makes it ready and wakes pollers', async () => {
    const id = await stage();
    const { lane } = (
      await test.database.query<{ lane: number }>('select lane from simple_queue.job')
    )[0]!;
    const found = await jobs.find(id);
    expect(found).toMatchObject({ state: 'staged', attempt: 0 });
    expect(found!.commitBy!.getTime() - found!.createdAt.getTime()).toBe(300_000);
    heard = [];

    expect(await commit(id)).toEqual({ outcome: 'committed', won: true, state: 'ready' });

    expect(await stateOf(id)).toBe('ready');
    expect((await jobs.find(id))!.commitBy).toBeUndefined();
    expect(heard).toEqual([{ lanes: [lane], later: false }]);
  });

  it('a job of later is scheduled by its commit, and the schedule is woken', async () => {
    const id = await stage({ delayMs: 60_000 });
    heard = [];
    expect(await commit(id)).toEqual({ outcome: 'committed', won: true, state: 'scheduled' });
    expect(heard).toEqual([{ lanes: [], later: true }]);
  });

  it('an abort ends it as cancelled', async () => {
    const id = await stage();
    expect(await abort(id)).toEqual({ outcome: 'aborted', won: true, state: 'cancelled' });
    expect(await stateOf(id)).toBe('cancelled');
    expect(await abort(id)).toEqual({ outcome: 'aborted', won: false, state: 'cancelled' });
    expect(await commit(id)).toEqual({ outcome: 'aborted', won: false, state: 'cancelled' });
  });

  it('a commit that was before is told as such, wherever the job stands by now', async () => {
    const id = await stage();
    await commit(id);
    expect(await commit(id)).toEqual({ outcome: 'committed', won: false, state: 'ready' });
    expect(await abort(id)).toEqual({ outcome: 'committed', won: false, state: 'ready' });
    expect(await stateOf(id)).toBe('ready');
    expect(await commit(await plain({}))).toEqual({
      outcome: 'committed',
      won: false,
      state: 'ready',
    });
  });

  it('an id that nobody knows is unknown', async () => {
    expect(await commit(randomUUID())).toEqual({ outcome: 'unknown', won: false });
    expect(await abort(randomUUID())).toEqual({ outcome: 'unknown', won: false });
  });

  it.each([{}, { group: 'lost', ordered: true }])(
    'one that is in no place expires as well, and its group goes on: %j',
    async (options) => {
      const id = await stage(options);
      const next = options.group && (await stage(options));
      await test.database.query('delete from simple_queue.staged where id = $1', [id]);
      await letTimePass(id);
      expect(await expire()).toEqual({ due: 1, expired: 1 });
      expect(await stateOf(id)).toBe('expired');
      if (!next) return;
      await handOn();
      expect(await commit(next)).toMatchObject({ outcome: 'committed', state: 'ready' });
    },
  );

  it('expires by the clock of the database, into the dead letter queue', async () => {
    const [late, other] = [await stage({ uniqueKey: 'key' }), await stage()];
    await letTimePass(late);

    expect(await commit(late)).toEqual({ outcome: 'expired', won: false, state: 'staged' });
    expect(await expire()).toEqual({ due: 1, expired: 1 });

    expect(await jobs.find(late)).toMatchObject({
      state: 'expired',
      uniqueKey: 'key',
      lastError: { code: 'COMMIT_EXPIRED' },
    });
    expect(await stateOf(other)).toBe('staged');
    expect(await commit(late)).toEqual({ outcome: 'expired', won: false, state: 'expired' });
    expect(await abort(late)).toEqual({ outcome: 'expired', won: false, state: 'expired' });
  });

  it('commit racing expiry, abort and another commit: exactly one wins, and each caller learns which', async () => {
    for (let round = 0; round < 15; round++) {
      const id = await stage();
      const due = round % 3 === 0 ? letTimePass(id) : Promise.resolve();
      const [answers, expired] = await Promise.all([
        Promise.all([commit(id), abort(id), commit(id)]),
        due.then(expire),
      ]);
      const won = answers.filter((answer) => answer.won);
      const end = (await expire()).expired + expired.expired;
      expect(won.length + end).toBe(1);
      const outcome = end === 1 ? 'expired' : won[0]!.outcome;
      expect(answers.map((answer) => answer.outcome)).toEqual([outcome, outcome, outcome]);
      expect(await stateOf(id)).toBe(
        { committed: 'ready', aborted: 'cancelled', expired: 'expired', unknown: '' }[outcome],
      );
    }
  });

  it('what is being committed in an open transaction does not expire, and holds the expiry of others up for nothing', async () => {
    const [held, late] = [await stage(), await stage()];
    const { runner } = await inTransaction((manager) => commit(held, manager));
    await letTimePass(late);
    expect(await expire()).toEqual({ due: 1, expired: 1 });
    await end(runner, 'commit');
    expect(await stateOf(held)).toBe('ready');
  });

  it("works in the caller's transaction: all of it happens when that commits", async () => {
    const { result, runner } = await inTransaction((manager) => stage({}, manager));
    expect(await commit(result)).toEqual({ outcome: 'unknown', won: false });
    expect(await commit(result, runner)).toMatchObject({ won: true });
    await end(runner, 'commit');
    expect(await stateOf(result)).toBe('ready');

    const id = await stage();
    const { runner: undone } = await inTransaction((manager) => commit(id, manager));
    heard = [];
    await end(undone, 'rollback');
    expect(await stateOf(id)).toBe('staged');
    expect(heard).toEqual([]);
    const { runner: aborting } = await inTransaction((manager) => abort(id, manager));
    await end(aborting, 'commit');
    expect(await stateOf(id)).toBe('cancelled');
  });

  it('a staged job can be cancelled, by any selector', async () => {
    const id = await stage({ fingerprint: 'tag' });
    const run = test.storage.database.callers.run;
    expect(await cancels.byFingerprint(run, { fingerprint: 'tag' }, KEEP)).toEqual({
      cancelled: 1,
      requested: 0,
    });
    expect(await commit(id)).toEqual({ outcome: 'aborted', won: false, state: 'cancelled' });
  });

  it('holds its unique key', async () => {
    const id = await stage({ uniqueKey: 'key' });
    expect(await plain({ uniqueKey: 'key' })).toBe(id);
  });

  describe('in an ordered group', () => {
    const ordered = { group: 'a', ordered: true };

    it('holds its place: followers wait behind it', async () => {
      const head = await stage(ordered);
      const next = await plain(ordered);
      expect([await stateOf(head), await stateOf(next)]).toEqual(['staged', 'blocked']);
      await commit(head);
      expect([await stateOf(head), await stateOf(next)]).toEqual(['ready', 'blocked']);
    });

    it('committed before its turn, it waits for it', async () => {
      await plain(ordered);
      const second = await stage(ordered);
      expect(await commit(second)).toEqual({ outcome: 'committed', won: true, state: 'blocked' });
      expect(await stateOf(second)).toBe('blocked');
    });

    it('gets its turn while it is staged, and its commit then makes it ready', async () => {
      const head = await plain(ordered);
      const second = await stage(ordered);
      await cancels.byId(test.storage.database.callers.run, [head], KEEP);
      await handOn();
      expect(await test.storage.groups.describe('mail', 'a')).toEqual({
        holder: second,
        waiting: 0,
      });
      expect(await commit(second)).toMatchObject({ won: true, state: 'ready' });
    });

    it.each(['abort', 'expiry'] as const)(
      'an %s lets the followers go on, at the head and in the line',
      async (how) => {
        const [head, second, last] = [
          await stage(ordered),
          await stage(ordered),
          await plain(ordered),
        ];
        for (const id of [second, head]) {
          if (how === 'abort') expect(await abort(id)).toMatchObject({ won: true });
          else await letTimePass(id).then(expire);
        }
        await handOn();
        expect(await stateOf(last)).toBe('ready');
      },
    );

    it('a follower that is being committed in an open transaction is waited for, and nothing overtakes it', async () => {
      const [head, second, last] = [
        await plain(ordered),
        await stage(ordered),
        await plain(ordered),
      ];
      const { runner } = await inTransaction((manager) => commit(second, manager));
      await cancels.byId(test.storage.database.callers.run, [head], KEEP);
      expect(await handOn()).toMatchObject({ looked: 1, dealt: 0 });
      await end(runner, 'commit');
      await handOn();
      expect([await stateOf(second), await stateOf(last)]).toEqual(['ready', 'blocked']);
    });
  });
});
