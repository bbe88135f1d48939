import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { checkPlaces } from '../support/check-places.js';
import { endedJobs } from '../support/ended-jobs.js';
import { eventually } from '../support/eventually.js';
import { aSite } from '../support/site.js';
import { aStorage, openStorage, Rival, type TestStorage } from '../support/storage.js';

/** No loop turns here: what waits is looked at when the test says so. */
describe('a job that depends on others', () => {
  let test: TestStorage;
  let queues: QueueService;
  let admin: QueueAdmin;
  let advancer: Advancer;

  beforeAll(async () => {
    test = await aStorage();
    queues = new QueueService(test.storage, test.options, test.events);
    admin = new QueueAdmin(test.storage, test.options);
    advancer = new Advancer(aSite(test));
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) => test.database.query(sql, values);
  const advance = async (by = advancer): Promise<number> => {
    for (;;) {
      const rest = await by.round();
      if (rest > 0) return rest;
    }
  };
  const add = async (options: EnqueueOptions = {}) =>
    (await queues.enqueue('work', null, options)).id;
  const succeed = async (id: string) => {
    await query('delete from simple_queue.ready where id = $1', [id]);
    const [job] = await query('select epoch from simple_queue.job where id = $1', [id]);
    await test.storage.workflows.settle('w', [{ id, epoch: Number(job!['epoch']), runMs: 1, keepMs: 60_000, output: '7' }]); // prettier-ignore
  };
  const stateOf = async (id: string) => (await queues.find(id))?.state;
  const arrivals = () => query('select more from simple_queue.arrival');
  const failed = (id: string, why: string) => ({
    state: 'expired',
    lastError: { code: 'DEPENDENCY_FAILED', message: expect.stringMatching(`Job ${id}, .*${why}`) },
  });

  it('runs when all of them have succeeded, in whatever order', async () => {
    const [first, second] = [await add(), await add()];
    const id = await add({ dependsOn: [first, second, first] });
    expect(await advance()).toBeLessThan(Infinity);
    expect(await stateOf(id)).toBe('staged');
    await succeed(second);
    await advance();
    expect(await stateOf(id)).toBe('staged');
    expect(await arrivals()).toEqual([{ more: { epoch: 0, awaits: [first] } }]);
    await succeed(first);
    expect(await advance()).toBe(Infinity);
    expect(await stateOf(id)).toBe('ready');
    expect(await arrivals()).toEqual([]);
  });

  it('keeps what has succeeded, though it is purged before the others have ended', async () => {
    const [first, second] = [await add(), await add()];
    const id = await add({ dependsOn: [first, second] });
    await succeed(first);
    await advance();
    await query('delete from simple_queue.archive');
    await succeed(second);
    await advance();
    expect(await stateOf(id)).toBe('ready');
  });

  it.each(['failed', 'critical', 'unprocessable', 'poisoned', 'expired', 'cancelled'] as const)(
    'ends where one of them is %s, says which, and runs after a retry',
    async (state) => {
      const [bad] = await endedJobs(test, 1, { state });
      const id = await add({ dependsOn: [await add(), bad!] });
      await advance();
      expect(await queues.find(id)).toMatchObject(failed(bad!, `it is ${state}`));
      expect(await arrivals()).toEqual([]);
      await admin.retry(id);
      expect(await stateOf(id)).toBe('ready');
    },
  );

  it('ends though it is in no place, and so do those beside it', async () => {
    const [bad] = await endedJobs(test, 1, { state: 'failed' });
    const [lost, other] = [await add({ dependsOn: [bad!] }), await add({ dependsOn: [bad!] })];
    await query('delete from simple_queue.staged where id = $1', [lost]);
    await advance();
    expect([await stateOf(lost), await stateOf(other)]).toEqual(['expired', 'expired']);
  });

  it('is refused where one of them is unknown, with nothing stored, and takes one that has succeeded before', async () => {
    const unknown = randomUUID();
    const refused = { code: 'DEPENDENCY_UNKNOWN', message: expect.stringContaining(unknown) };
    const first = await add();
    await expect(add({ dependsOn: [first, unknown] })).rejects.toMatchObject(refused);
    await test.dataSource.transaction(async (manager) => {
      const items = [{ payload: 1 }, { payload: 2, dependsOn: [unknown] }];
      await expect(queues.enqueueMany('work', items, { manager })).rejects.toMatchObject(refused);
    });
    expect(await query('select id from simple_queue.job')).toEqual([{ id: first }]);
    const [before] = await endedJobs(test, 1, { state: 'succeeded' });
    const id = await add({ dependsOn: [before!] });
    await advance();
    expect(await stateOf(id)).toBe('ready');
  });

  it('is the same job where it is enqueued again, though what it depended on is not kept any more', async () => {
    const [first] = await endedJobs(test, 1, { state: 'succeeded' });
    const given = { id: randomUUID(), dependsOn: [first!] };
    const keyed = { uniqueKey: 'k', dependsOn: [first!] };
    const [one, two] = [await add(given), await add(keyed)];
    await query('delete from simple_queue.archive');
    expect([await add(given), await add(keyed)]).toEqual([one, two]);
  });

  it('ends where one of them is not kept any more when it looks', async () => {
    const first = await add();
    const id = await add({ dependsOn: [first] });
    await query('delete from simple_queue.ready where id = $1', [first]);
    await query('delete from simple_queue.job where id = $1', [first]);
    await advance();
    expect(await queues.find(id)).toMatchObject(failed(first, 'it was purged'));
  });

  it('waits also where another item of its call replaces a job', async () => {
    const first = await add();
    const known = await add({ uniqueKey: 'k' });
    const [replaced, waiting] = await queues.enqueueMany('work', [
      { payload: 1, uniqueKey: 'k', onConflict: 'replace' },
      { payload: 2, dependsOn: [first] },
    ]);
    expect(replaced).toEqual({ id: known, created: false, outcome: 'replaced' });
    await succeed(first);
    await advance();
    expect(await stateOf(waiting!.id)).toBe('ready');
  });

  it('waits for the job that has the key of an item it depends on', async () => {
    const known = await add({ uniqueKey: 'k' });
    const [nightly, twin] = [randomUUID(), randomUUID()];
    const [, , , waits] = await queues.enqueueMany('work', [
      { payload: 1, id: nightly, uniqueKey: 'k' },
      { payload: 2, id: twin, uniqueKey: 'twins' },
      { payload: 3, uniqueKey: 'twins' },
      { payload: 4, dependsOn: [nightly, twin] },
    ]);
    await advance();
    expect(await stateOf(waits!.id)).toBe('staged');
    await succeed(known);
    await succeed((await queues.enqueue('work', null, { uniqueKey: 'twins' })).id);
    await advance();
    expect(await stateOf(waits!.id)).toBe('ready');
  });

  it.each([
    [
      'two',
      [
        { id: 0, on: [1] },
        { id: 1, on: [0] },
      ],
      '0, 1',
    ],
    ['three, beside others', [{ id: 0, on: [] }, { id: 1, on: [3, 0] }, { id: 2, on: [1] }, { id: 3, on: [2] }, { id: 4, on: [1] }], '1, 2, 3'], // prettier-ignore
    ['a job ahead of its dependency in an ordered group', [{ id: 0, on: [2], group: 'g' }, { id: 1, on: [] }, { id: 2, on: [], group: 'g' }], '0, 2'], // prettier-ignore
  ])('is refused where it would wait for itself: %s', async (_, made, circle) => {
    const ids = made.map(() => randomUUID());
    const items = made.map(({ id, on, group }: { id: number; on: number[]; group?: string }) => ({
      payload: id,
      id: ids[id],
      ...(on.length > 0 ? { dependsOn: on.map((other) => ids[other]!) } : {}),
      ...(group ? { group, ordered: true } : {}),
    }));
    const refused = expect(queues.enqueueMany('work', items)).rejects;
    await refused.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(`items ${circle} wait for each other`) }); // prettier-ignore
    expect(await query('select from simple_queue.job')).toEqual([]);
  });

  it('still waits, and runs, after its place was lost and put back', async () => {
    const first = await add();
    const group = { group: 'g', ordered: true };
    const ids = [
      await add({ dependsOn: [first] }),
      await add({ ...group, dependsOn: [first] }),
      await add({ ...group, dependsOn: [first] }),
    ];
    await query('truncate simple_queue.staged, simple_queue.blocked');
    for (const id of ids) {
      expect(await stateOf(id)).toBe('lost');
      await admin.retry(id);
    }
    await test.storage.groups.handOn();
    await advance();
    expect(await Promise.all(ids.map(stateOf))).toEqual(['staged', 'staged', 'staged']);
    await succeed(first);
    expect(await advance()).toBe(Infinity);
    expect(await Promise.all(ids.map(stateOf))).toEqual(['ready', 'ready', 'blocked']);
  });

  it('exists, and waits, if and only if its transaction commits; its dependency may be of the same one', async () => {
    const both = (fails: boolean) =>
      test.dataSource.transaction(async (manager) => {
        const first = (await queues.enqueue('work', 1, { manager })).id;
        const { id } = await queues.enqueue('work', 2, { manager, dependsOn: [first] });
        if (fails) throw new Error('undone');
        return [first, id] as const;
      });
    await expect(both(true)).rejects.toThrow('undone');
    expect(await arrivals()).toEqual([]);
    const [first, id] = await both(false);
    await advance();
    expect(await stateOf(id)).toBe('staged');
    await succeed(first);
    await advance();
    expect(await stateOf(id)).toBe('ready');
  });

  it('may depend on another job of its batch, and on one that itself waits', async () => {
    const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
    await queues.enqueueMany('work', [
      { payload: 1, id: a, dependsOn: [b] },
      { payload: 2, id: b, dependsOn: [c] },
      { payload: 3, id: c },
    ]);
    for (const id of [c, b, a]) {
      await advance();
      expect(await stateOf(id)).toBe('ready');
      await succeed(id);
    }
  });

  it('keeps its place in an ordered group, its key, and its time', async () => {
    const first = await add();
    const group = { group: 'g', ordered: true };
    const head = await add({ ...group, dependsOn: [first], uniqueKey: 'k' });
    const next = await add(group);
    const later = await add({ dependsOn: [first], delayMs: 60_000 });
    expect(await queues.enqueue('work', null, { uniqueKey: 'k' })).toMatchObject({ id: head, created: false }); // prettier-ignore
    await succeed(first);
    await advance();
    expect(await Promise.all([head, next, later].map(stateOf))).toEqual(['ready', 'blocked', 'scheduled']); // prettier-ignore
  });

  it('gives its turn away where it ends', async () => {
    const [bad] = await endedJobs(test, 1, { state: 'failed' });
    const group = { group: 'g', ordered: true };
    await add({ ...group, dependsOn: [bad!] });
    const next = await add(group);
    await advance();
    await test.storage.groups.handOn();
    expect(await stateOf(next)).toBe('ready');
  });

  it('can be committed, aborted and cancelled by hand; what is left of it goes', async () => {
    const first = await add();
    const [one, two, three] = [
      await add({ dependsOn: [first] }),
      await add({ dependsOn: [first] }),
      await add({ dependsOn: [first] }),
    ];
    expect(await queues.commit(one)).toMatchObject({ outcome: 'committed', won: true });
    expect(await queues.abort(two)).toMatchObject({ outcome: 'aborted', won: true });
    await queues.cancel({ id: three });
    await advance();
    expect(await arrivals()).toEqual([]);
    expect(await Promise.all([one, two, three].map(stateOf))).toEqual(['ready', 'cancelled', 'cancelled']); // prettier-ignore
  });

  it('tells another life under its id from this one', async () => {
    const [id, first] = [randomUUID(), await add()];
    await add({ id, dependsOn: [first] });
    await queues.cancel({ id });
    await query('delete from simple_queue.archive');
    await add({ id, staged: true });
    await succeed(first);
    await advance();
    expect(await stateOf(id)).toBe('staged');
    expect(await arrivals()).toEqual([]);
  });

  it('leaves what a caller holds for the next look', async () => {
    const first = await add();
    const id = await add({ dependsOn: [first] });
    await succeed(first);
    await test.dataSource.transaction(async (manager) => {
      await queues.cancel({ id }, { manager });
      expect(await advance()).toBeLessThan(Infinity);
    });
    await advance();
    expect(await stateOf(id)).toBe('cancelled');
  });

  it('goes on once, whoever looks at the same time, with hundreds of them', async () => {
    const first = await add();
    const all = await queues.enqueueMany(
      'work',
      Array.from({ length: 250 }, () => ({ payload: 0, dependsOn: [first] })),
    );
    const others = await Promise.all([1, 2].map(() => openStorage(test.dataSource)));
    await succeed(first);
    const sites = [test, ...others.map((storage) => ({ ...test, storage }))];
    // As their loops do: whoever waits half a second for a lock looks again.
    await Promise.all(sites.map((site) => eventually(() => advance(new Advancer(aSite(site))))));
    await advance();
    const states = await query(`select state, count(*)::int as n from simple_queue.jobs where id = any($1) group by 1`, [all.map(({ id }) => id)]); // prettier-ignore
    expect(states).toEqual([{ state: 'ready', n: 250 }]);
    await Promise.all(others.map((storage) => storage.onApplicationShutdown()));
  });

  it('is found, and runs at once, behind a thousand that still wait; they are looked at without a write', async () => {
    const own = new Advancer(aSite(test));
    const first = await add();
    const waits = Array.from({ length: 1_200 }, () => ({ payload: 0, dependsOn: [first] }));
    await queues.enqueueMany('work', waits);
    const second = await add();
    const id = await add({ dependsOn: [second] });
    await succeed(second);
    for (let rounds = 0; (await stateOf(id)) === 'staged'; rounds++) {
      expect(rounds).toBeLessThan(2);
      await own.round();
    }
    await test.storage.database.loops.transaction((run) => test.storage.staged.takeDependents(run, '0')); // prettier-ignore
    expect(await query('select 1 as n from simple_queue.arrival where xmax <> 0')).toEqual([]);
  });

  it('ends with all of a chain behind it: one look at 500 of them is enough', async () => {
    const [last] = await query('select coalesce(max(id), 0)::text as id from simple_queue.arrival');
    const chain = Array.from({ length: 501 }, () => randomUUID());
    await queues.enqueueMany('work', chain.map((id, n) => ({ payload: 0, id, ...(n > 0 && { dependsOn: [chain[n - 1]!] }) }))); // prettier-ignore
    await queues.cancel({ id: chain[0]! });
    const { decided } = await test.storage.database.loops.transaction((run) =>
      test.storage.staged.takeDependents(run, last!['id'] as string),
    );
    expect(decided.map(({ failed: by }) => by?.state)).toEqual(['cancelled', ...Array<string>(499).fill('expired')]); // prettier-ignore
  });

  it('ends also where the turn of its group comes to it meanwhile', async () => {
    const [bad] = await endedJobs(test, 1, { state: 'failed' });
    const group = { group: 'g', ordered: true };
    const head = await add(group);
    const id = await add({ ...group, dependsOn: [bad!] });
    const next = await add(group);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('select from simple_queue.blocked order by seq limit 1 for update');
    await advance();
    const [before, kept] = [await stateOf(id), await query('select from simple_queue.arrival where job = $1', [id])]; // prettier-ignore
    await rival.commit();
    await rival.close();
    expect([before, kept.length]).toEqual(['staged', 1]);
    await advance();
    expect(await queues.find(id)).toMatchObject(failed(bad!, 'it is failed'));
    expect(await Promise.all([head, next].map(stateOf))).toEqual(['ready', 'blocked']);
  });

  it('says what it waits for, and is no staged job that somebody forgot', async () => {
    const first = await add();
    const id = await add({ dependsOn: [first] });
    await query(`update simple_queue.job set created_at = now() - interval '2 hours'`);
    const { reasons, troubles } = await admin.explain(id);
    expect(reasons[0]).toMatchObject({ code: 'WAITS_FOR_JOBS', text: expect.stringContaining(first) }); // prettier-ignore
    expect(troubles.map(({ code }) => code)).not.toContain('STAGED_JOBS');
    await query('delete from simple_queue.arrival');
    expect((await admin.explain(id)).troubles.map(({ code }) => code)).toContain('STAGED_JOBS');
  });

  it.each([
    [{ dependsOn: [] }, 'array of 1 to 100'],
    [{ dependsOn: Array.from({ length: 101 }, () => randomUUID()) }, 'array of 1 to 100'],
    [{ dependsOn: randomUUID() }, 'array of 1 to 100'],
    [{ dependsOn: ['x'] }, 'dependsOn: "x" is not a UUID'],
    [{ dependsOn: [null] }, 'dependsOn: null is not a UUID'],
    [{ dependsOn: [,] }, 'dependsOn: undefined is not a UUID'],
    [{ dependsOn: [randomUUID()], staged: true }, 'staged and dependsOn'],
    [{ dependsOn: [randomUUID()], onConflict: 'replace', uniqueKey: 'k' }, 'dependsOn'],
    [{ dependsOn: [randomUUID()], commitWithinMs: 1 }, 'commitWithinMs'],
  ])('refuses %j', async (options, text) => {
    await expect(add(options as EnqueueOptions)).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(text) }); // prettier-ignore
  });

  it('cannot depend on itself', async () => {
    const id = randomUUID();
    await expect(add({ id, dependsOn: [id.toUpperCase()] })).rejects.toThrow('itself');
    expect(await stateOf(id)).toBeUndefined();
  });
});
