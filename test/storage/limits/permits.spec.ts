import { randomUUID } from 'node:crypto';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import type { EnqueueItem } from '../../../lib/job/enqueue-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { checkPlaces } from '../../support/check-places.js';
import { aStorage, Rival, runIn, type TestStorage } from '../../support/storage.js';

const QUEUES = {
  work: { perKey: { by: 'tenant', concurrency: 2 } },
  shared: { fair: true, perKey: { by: 'tenant', concurrency: 1 } },
  paced: { perKey: { by: 'tenant', rate: { limit: 10, perMs: 36_000_000, burst: 2 } } },
  open: { perKey: { by: (payload: { to?: string }) => payload.to?.split('@')[1], concurrency: 1 } },
};
const KEEP = { '': 86_400_000 };

describe('permits of keys', () => {
  let test: TestStorage;
  let enqueuer: Enqueuer;
  let admin: QueueAdmin;

  beforeAll(async () => {
    test = await aStorage();
    enqueuer = new Enqueuer(test.storage, resolveOptions({ queues: QUEUES }).options, test.events);
    admin = new QueueAdmin(test.storage, test.options);
  });
  beforeEach(async () => {
    await test.rows.clear();
    await test.storage.limits.declare({ name: 'work/*', ofQueue: true, concurrency: 2 });
    await test.storage.limits.declare({ name: 'paced/*', ofQueue: true, rate: QUEUES.paced.perKey.rate }); // prettier-ignore
  });
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const hand = () => test.storage.keys.handPermits();
  const enqueue = async (tenant: unknown, options: Partial<EnqueueItem> = {}, queue = 'work') =>
    (await enqueuer.enqueue(queue, { payload: { tenant }, ...options }, {})).id;
  const enqueueSome = async (tenant: string, count: number, queue = 'work') =>
    (await enqueuer.enqueueMany(queue, Array.from({ length: count }, () => ({ payload: { tenant } })), {})).map(({ id }) => id); // prettier-ignore
  const stateOf = async (id: string) => (await admin.job(id))?.state;
  const ready = async () =>
    (await test.database.query<{ id: string }>('select id from simple_queue.ready order by run_at, id')).map(({ id }) => id); // prettier-ignore
  const permits = async () =>
    (
      await test.database.query<{ limit_key: string; n: number }>(
        `select limit_key, count(*)::int as n from simple_queue.permit group by 1 order by 1`,
      )
    ).map(({ limit_key, n }) => `${limit_key} ${n}`);
  /** Claims it as a worker would, under a lease of its own. */
  const claim = async (id: string, lease?: string) => {
    const under = lease ?? (await test.rows.lease());
    await test.database.query(`delete from simple_queue.ready where id = $1`, [id]);
    const [job] = await test.database.query<{ epoch: number }>('select epoch from simple_queue.job where id = $1', [id]); // prettier-ignore
    await test.database.query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs) values ($1, 0, $2, array[$3::uuid], array[$4::int])`,
      [randomUUID(), under, id, job!.epoch],
    );
    return { id, epoch: job!.epoch };
  };
  const unclaim = () => test.database.query('delete from simple_queue.claim');
  const succeed = async (...runs: { id: string; epoch: number }[]) => {
    await unclaim();
    return test.storage.groups.settle('w', runs.map((run) => ({ ...run, runMs: 1, keepMs: undefined, output: undefined })), { isKeyed: true }); // prettier-ignore
  };
  const changes = async () => (await test.database.query('select from simple_queue.key_change')).length; // prettier-ignore

  it('are handed to as many jobs as the limit says, the most urgent first, whatever other keys have', async () => {
    const [low] = await enqueueSome('a', 1);
    const urgent = await enqueue('a', { priority: -5 });
    const normal = await enqueue('a', { priority: -1 });
    const other = await enqueue('b');

    await hand();

    expect((await ready()).toSorted()).toEqual([urgent, normal, other].toSorted());
    expect(await stateOf(low!)).toBe('blocked');
    expect(await permits()).toEqual(['a 2', 'b 1']);
    expect((await admin.explain(low!)).reasons).toMatchObject([{ code: 'KEY_FULL' }, { code: 'BLOCKED' }, {}]); // prettier-ignore
    await succeed(await claim(urgent));
    await hand();
    expect(await stateOf(low!)).toBe('ready');
  });

  describe('pass with the settle of a success to the next that waits', () => {
    /** Ends these under a claim of the process for what may follow in `lanes`. */
    const follow = async (lanes: number[], ...runs: { id: string; epoch: number }[]) => {
      await unclaim();
      const following = runs.map(() => ({ queue: 0, ahead: 0 }));
      const followers = { claimId: randomUUID(), lease: await test.rows.lease(), lanes, following };
      const successes = runs.map(({ id, epoch }) => ({ id, epoch, runMs: 1, keepMs: undefined, output: undefined })); // prettier-ignore
      return test.storage.groups.settle('w', successes, { isKeyed: true, followers });
    };
    const laneOf = async (queue: string) => (await test.rows.lane(queue)).id;
    const begun = async () => {
      const ids = await enqueueSome('a', 2);
      await hand();
      return Promise.all(ids.map((id) => claim(id)));
    };

    it('by priority, in the slots that they have, and nobody has to look for more', async () => {
      const runs = await begun();
      const [low, lower] = [await enqueue('a'), await enqueue('a', { priority: 3 })];
      const urgent = await enqueue('a', { priority: -5 });
      await enqueue('b');
      await hand();
      const [other] = (await ready()).slice(-1);
      const settled = await succeed(...runs);
      expect(settled).toMatchObject({ lanes: [await laneOf('work')], keys: false, lost: [] });
      expect((await ready()).toSorted()).toEqual([low, urgent, other].toSorted());
      expect(await stateOf(lower)).toBe('blocked');
      expect([await permits(), await changes()]).toEqual([['a 2', 'b 1'], 0]);
    });

    it('and are claimed with it where the process may run them now', async () => {
      const runs = await begun();
      const [one, two, three] = await enqueueSome('a', 3);
      await hand();
      const { claimed, lanes } = await follow([await laneOf('work')], ...runs);
      expect(claimed.map(({ id, after }) => [id, after])).toEqual([[one, runs[0]!.id], [two, runs[1]!.id]]); // prettier-ignore
      expect(lanes).toEqual([]);
      expect([await stateOf(one!), await stateOf(three!)]).toEqual(['running', 'blocked']);
      expect(claimed[0]).toMatchObject({
        epoch: 0,
        ownLane: undefined,
        payload: '{"tenant":"a"}',
      });

      const elsewhere = await follow([0], ...claimed);
      expect(elsewhere).toMatchObject({ claimed: [], lanes: [await laneOf('work')] });
      expect([await ready(), await permits()]).toEqual([[three], ['a 1']]);
    });

    it('go back, without an attempt, where the answer was lost', async () => {
      const runs = await begun();
      const [next] = await enqueueSome('a', 1);
      await hand();
      const { claimed } = await follow([await laneOf('work')], ...runs);
      expect(claimed.map(({ id }) => id)).toEqual([next]);
      const [held] = await test.database.query<{ id: string; lease: string }>('select id, lease from simple_queue.claim'); // prettier-ignore
      expect(await test.storage.leases.releaseClaims(held!.lease, [held!.id])).toBe(1);
      expect(await test.storage.jobs.find(next!)).toMatchObject({ state: 'blocked', attempt: 0 });
      await hand();
      expect(await stateOf(next!)).toBe('ready');
    });

    it('but not above a limit that was lowered, nor where a rate counts as well', async () => {
      const runs = await begun();
      const [next] = await enqueueSome('a', 1);
      await hand();
      await admin.setLimit('work', { perKey: { concurrency: 1 } });
      expect(await succeed(runs[0]!)).toMatchObject({ lanes: [], keys: true });
      await hand();
      expect([await stateOf(next!), await permits()]).toEqual(['blocked', ['a 1']]);
      await succeed(runs[1]!);
      await hand();
      expect(await stateOf(next!)).toBe('ready');

      const paced = await enqueueSome('p', 3, 'paced');
      await hand();
      expect(await succeed(await claim(paced[0]!))).toMatchObject({ lanes: [], keys: true });
      expect(await stateOf(paced[2]!)).toBe('blocked');
      await test.database.query('delete from simple_queue.key_change');
    });

    it('with word of suspects, which only the look of the promoter finds', async () => {
      const [id] = await enqueueSome('a', 1);
      await test.database.query('update simple_queue.job set suspicion = 1');
      expect(await hand()).toMatchObject({ suspects: true });
      expect(await stateOf(id!)).toBe('ready');
      await enqueueSome('b', 1);
      expect(await hand()).toMatchObject({ suspects: false });
    });

    it('past one that somebody holds, and back to it; a suspect and a job of a fair queue find their places', async () => {
      const runs = await begun();
      const [held, next, suspect] = await enqueueSome('a', 3);
      await hand();
      await test.database.query('update simple_queue.job set suspicion = 1 where id = $1', [suspect]); // prettier-ignore
      const rival = await Rival.connect(test.database);
      await rival.begin();
      await rival.query(`select from simple_queue.keyed where id = '${held}' for update`);
      await follow([await laneOf('work')], ...runs);
      expect([await stateOf(held!), await stateOf(next!)]).toEqual(['blocked', 'running']);
      expect(await test.database.query('select id from simple_queue.suspect')).toEqual([{ id: suspect }]); // prettier-ignore
      await rival.close();

      await unclaim();
      await test.rows.clear();
      await test.storage.limits.declare({ name: 'shared/*', ofQueue: true, concurrency: 1 });
      const [first, second] = await enqueueSome('a', 2, 'shared');
      await hand();
      await test.database.query('delete from simple_queue.fair_ready');
      const settled = await follow([await laneOf('shared')], { id: first!, epoch: 0 });
      expect(settled).toMatchObject({ claimed: [], lanes: [await laneOf('shared')], fair: true });
      expect(await test.database.query('select id from simple_queue.fair_ready')).toEqual([{ id: second }]); // prettier-ignore
    });
  });

  it('are nobody’s who has no key: such jobs are not limited, and a key is text, a number, or refused', async () => {
    const free = await enqueue(undefined);
    const empty = await enqueue(null);
    await enqueue(7);
    expect(await ready()).toEqual([free, empty]);
    await hand();
    expect(await permits()).toEqual(['7 1']);
    for (const key of [{}, [], '', 'x'.repeat(513)])
      // prettier-ignore
      await expect(enqueue(key)).rejects.toMatchObject({ code: 'LIMIT_KEY_INVALID' });
    await expect(enqueuer.enqueue('open', { payload: { to: 7 } }, {})).rejects.toMatchObject({ code: 'LIMIT_KEY_INVALID' }); // prettier-ignore
    await enqueuer.enqueue('open', { payload: { to: 'a@b.c' } }, {});
    await hand();
    expect(await permits()).toEqual(['7 1', 'b.c 1']);
  });

  it('are taken by what is committed alone: an open transaction holds up nobody, and a rollback leaves nothing', async () => {
    await test.dataSource
      .transaction(async (manager) => {
        const joined = test.storage.database.transactionOf({ manager })!;
        for (let n = 0; n < 2; n++) await enqueuer.enqueue('work', { payload: { tenant: 'a' } }, { joined }); // prettier-ignore
        const ids = await enqueueSome('a', 2);
        await hand();
        expect((await ready()).toSorted()).toEqual(ids.toSorted());
        throw new Error('undone');
      })
      .catch(() => undefined);

    expect(await permits()).toEqual(['a 2']);
    expect(await test.database.query('select from simple_queue.key_change')).toHaveLength(0);
  });

  it('pass by a job that somebody is cancelling, and come to it when that is undone', async () => {
    const first = await enqueue('a', { priority: -5 });
    const rest = await enqueueSome('a', 2);
    await test.dataSource
      .transaction(async (manager) => {
        await test.storage.cancels.byId(runIn(test.storage, manager), [first], KEEP);
        await hand();
        expect((await ready()).toSorted()).toEqual(rest.toSorted());
        throw new Error('undone');
      })
      .catch(() => undefined);

    await succeed(await claim(rest[0]!));
    await hand();
    expect(await stateOf(first)).toBe('ready');
  });

  it('are asked for again where all that waits was locked', async () => {
    const only = await enqueue('a');
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.keyed for update');
    const { nextMs } = await hand();
    expect(nextMs).toBeGreaterThan(0);
    expect(await ready()).toEqual([]);
    await rival.close();

    await test.database.query('update simple_queue.key_change set due_at = statement_timestamp()');
    await hand();
    expect(await ready()).toEqual([only]);
  });

  it('pass by the place of a job that somebody has deleted, which goes', async () => {
    const [, second] = await enqueueSome('a', 2, 'shared');
    await test.storage.limits.declare({ name: 'shared/*', ofQueue: true, concurrency: 1 });
    await test.database.query('delete from simple_queue.job where id <> $1', [second]);
    await hand();
    await test.database.query('update simple_queue.key_change set due_at = statement_timestamp()');
    await hand();
    expect(await stateOf(second!)).toBe('ready');
    expect(await test.database.query('select from simple_queue.keyed')).toEqual([]);
  });

  it('come back with a cancel, a retry that rests, an end of any kind, and a change of the time', async () => {
    const ids = await enqueueSome('a', 7);
    await hand();
    const [one, two] = await ready();
    await test.storage.cancels.byId(test.storage.database.callers.run, [one!], KEEP);
    await hand();
    const held = await claim(two!);
    await unclaim();
    const change = { delayMs: 3_600_000, spent: 1, rescheduled: 0, ran: true } as const;
    await test.storage.settlements.putBack([{ ...held, change }]);
    expect(await stateOf(two!)).toBe('scheduled');
    await hand();
    const [three] = await ready();
    const buried = await claim(three!);
    await unclaim();
    const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: 86_400_000 } as const;
    await test.storage.settlements.bury('w', [{ ...buried, verdict }]);
    await hand();
    const [four] = await ready();
    await admin.change(four!, { delayMs: 3_600_000 });
    await hand();

    expect(await permits()).toEqual(['a 2']);
    expect((await ready()).every((id) => ids.includes(id) && ![one, two, three, four].includes(id))).toBe(true); // prettier-ignore
  });

  it('stay with the jobs of a lapsed lease until these are put back, and are asked for again then', async () => {
    await enqueueSome('a', 3);
    await hand();
    const lease = randomUUID();
    for (const id of await ready()) await claim(id, lease);
    await hand();
    expect(await ready()).toEqual([]);
    expect(await permits()).toEqual(['a 2']);

    const rules = { maxStalls: 3, archive: KEEP, deadLetter: KEEP, onDeadJob: { '': 'block' as const } }; // prettier-ignore
    await test.storage.leases.reapAll(rules);
    expect(await permits()).toEqual([]);
    await hand();

    expect(await permits()).toEqual(['a 2']);
    expect((await ready()).length + (await test.database.query('select from simple_queue.suspect')).length).toBe(2); // prettier-ignore
  });

  it('are waited for by what was delayed, staged, revived, or stands in an ordered group', async () => {
    await enqueueSome('a', 2);
    await hand();
    const delayed = await enqueue('a', { delayMs: 1 });
    const staged = await enqueue('a', { staged: true });
    const ordered = await enqueue('a', { group: 'g', ordered: true });
    const next = await enqueue('b', { group: 'g', ordered: true });
    await test.database.query(`update simple_queue.job set run_at = run_at - interval '1 hour' where id = $1`, [delayed]); // prettier-ignore
    await test.database.query(`update simple_queue.scheduled set run_at = run_at - interval '1 hour'`); // prettier-ignore
    await test.storage.claims.promote('-infinity', []);
    await test.dataSource.transaction(async (manager) => {
      const run = runIn(test.storage, manager);
      await test.storage.staged.take(run, staged);
      await test.storage.staged.commit(run, [staged]);
    });
    await hand();
    for (const id of [delayed, staged, ordered, next]) expect(await stateOf(id)).toBe('blocked');
    expect(await permits()).toEqual(['a 2']);

    const [one, two] = await ready();
    await succeed(await claim(one!), await claim(two!));
    await hand();
    expect((await ready()).toSorted()).toEqual([delayed, ordered].toSorted());
    await succeed(await claim(ordered));
    await hand();
    expect(await stateOf(next)).toBe('ready');
    await test.storage.cancels.byId(test.storage.database.callers.run, [staged], KEEP);
    expect(await test.storage.revivals.revive([staged], ['cancelled'])).toMatchObject([{ revived: true, keyed: true }]); // prettier-ignore
    expect(await stateOf(staged)).toBe('blocked');
    await hand();
    expect(await stateOf(staged)).toBe('ready');
  });

  it('follow the key of what replaces a waiting job', async () => {
    await enqueueSome('a', 2);
    await hand();
    const id = await enqueue('a', { uniqueKey: 'k', onConflict: 'replace' });
    expect(await enqueue('b', { uniqueKey: 'k', onConflict: 'replace' })).toBe(id);
    await hand();
    expect(await permits()).toEqual(['a 2', 'b 1']);
    expect(await enqueue('a', { uniqueKey: 'k', onConflict: 'replace' })).toBe(id);
    expect(await permits()).toEqual(['a 2']);
    expect(await stateOf(id)).toBe('blocked');
  });

  it('of a rate come as its bucket refills, each with its time', async () => {
    await enqueueSome('a', 5, 'paced');
    await enqueueSome('b', 1, 'paced');
    const { nextMs } = await hand();
    expect(await permits()).toEqual(['a 2', 'b 1']);
    expect(nextMs).toBeGreaterThan(0);
    expect(nextMs).toBeLessThanOrEqual(3_600_000);
    await hand();
    expect(await permits()).toEqual(['a 2', 'b 1']);

    await test.database.query(`update simple_queue.key_bucket set next_at = next_at - interval '1 hour'; update simple_queue.key_change set due_at = due_at - interval '1 hour'`); // prettier-ignore
    await hand();
    expect(await permits()).toEqual(['a 3', 'b 1']);
    const [waiting] = await test.database.query<{ id: string }>('select id from simple_queue.keyed limit 1'); // prettier-ignore
    const dateNow = jest.spyOn(Date, 'now').mockReturnValue(0);
    const [reason] = (await admin.explain(waiting!.id)).reasons;
    dateNow.mockRestore();
    expect(reason).toMatchObject({ code: 'RATE_LIMITED' });
    expect(reason!.text).toContain(`one at ${new Date().getFullYear()}-`);
  });

  it('of a rate that is used up are looked at once at its next start, however many jobs come before', async () => {
    await enqueueSome('a', 3, 'paced');
    await hand();
    const before = await changes();
    for (let job = 0; job < 20; job++) {
      await enqueue('a', {}, 'paced');
      await hand();
    }
    expect(await changes()).toBe(before);
  });

  it('follow what an operator sets: raised at once, lowered as jobs end', async () => {
    await enqueueSome('a', 6);
    await hand();
    await admin.setLimit('work', { perKey: { concurrency: 4 } });
    await hand();
    expect(await permits()).toEqual(['a 4']);
    await admin.setLimit('work', { perKey: { concurrency: 1 } });
    const [one, ...others] = await ready();
    await succeed(await claim(one!));
    await hand();
    expect(await permits()).toEqual(['a 3']);
    for (const id of others) await succeed(await claim(id));
    await hand();
    expect(await permits()).toEqual(['a 1']);
    expect((await admin.limits()).find(({ perKey, name }) => perKey && name === 'work')).toMatchObject({ concurrency: 1 }); // prettier-ignore
    await expect(admin.setLimit('plain', { perKey: { concurrency: 1 } })).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN' }); // prettier-ignore
  });

  it('are never more than the limit, however many hand them on while jobs come, end and are cancelled', async () => {
    let most = 0;
    const watch = async () => {
      for (const line of await permits()) most = Math.max(most, Number(line.split(' ')[1]));
    };
    for (let round = 0; round < 8; round++) {
      await Promise.all([...['a', 'b', 'c'].map((key) => enqueueSome(key, 10)), ...Array.from({ length: 6 }, hand)]); // prettier-ignore
      await watch();
      const [cancelled, ...ending] = await ready();
      const runs = await Promise.all(ending.map((id) => claim(id)));
      await Promise.all([
        test.storage.cancels.byId(test.storage.database.callers.run, [cancelled!], KEEP),
        ...runs.map((run) => succeed(run)),
        ...Array.from({ length: 6 }, hand),
      ]);
      await watch();
    }
    for (
      let round = 0;
      (await test.database.query('select from simple_queue.job')).length > 0;
      round++
    ) {
      // prettier-ignore
      expect(round).toBeLessThan(300);
      await test.database.query(
        'update simple_queue.key_change set due_at = statement_timestamp()',
      );
      for (const id of await ready()) await succeed(await claim(id));
      await Promise.all(Array.from({ length: 4 }, hand));
      await watch();
    }
    expect(most).toBe(2);
    expect(await permits()).toEqual([]);
  });
});
