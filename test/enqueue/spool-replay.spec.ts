import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { CheckedJob } from '../../lib/enqueue/new-job.js';
import { callOf, recordOf, type SpooledCall } from '../../lib/enqueue/spooled-call.js';
import { QueuePolicies } from '../../lib/options/queue-policy.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { wallTime } from '../../lib/runtime/wall-clock.js';
import { eventually } from '../support/eventually.js';
import { recordStatements } from '../support/recorded-statements.js';
import { isSmallDisk, unmount } from '../support/spool.js';
import { SpoolRig } from '../support/spool-rig.js';

const DAY_MS = 86_400_000;

/** What becomes of spooled calls when the database is back, and of calls at the bounds of the spool. */
describe('a spool and its database', () => {
  const rig = new SpoolRig();
  afterEach(() => void jest.restoreAllMocks());
  const aJob = (payload: string, more: Partial<CheckedJob> = {}) =>
    ({ id: randomUUID(), queue: 'mail', name: '', labels: [], payload: JSON.stringify(payload), priority: 0, ...more }) as unknown as CheckedJob; // prettier-ignore
  const away = (reason: string) => ({
    code: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining(reason) as unknown,
  });

  it('costs no statement, no byte and no other statement where the database is there', async () => {
    const statementsOf = async (spool: boolean) => {
      if (spool) await rig.start('free');
      else await rig.start('none', undefined, { spool: undefined });
      await rig.enqueue('direct');
      const recorded = recordStatements();
      await rig.enqueue('direct');
      await rig.enqueue('direct', { uniqueKey: randomUUID() });
      await rig.enqueue('direct', { id: randomUUID(), delayMs: 5 });
      recorded.stop();
      if (!spool) await rig.storage.onApplicationShutdown();
      return recorded.names;
    };
    const without = await statementsOf(false);
    expect(without.length).toBeGreaterThanOrEqual(3);
    expect(await statementsOf(true)).toEqual(without);
    expect(rig.spool.state.bytes).toBe(0);
  });

  it('puts a call aside whose outcome nobody remembers any more, and stores it where somebody says so', async () => {
    await rig.start('unknown', undefined, { archive: { keepMs: DAY_MS }, deadLetter: { keepMs: DAY_MS } }); // prettier-ignore
    const call = (payload: string, agoMs: number, unsure?: true) =>
      rig.spool.append(recordOf({ at: Date.now() - agoMs, ...(unsure && { unsure }), jobs: [aJob(payload)] })); // prettier-ignore
    await call('long ago and sure', 2 * DAY_MS);
    await call('unsure', 0, true);
    await call('long ago and unsure', 2 * DAY_MS, true);
    await rig.isOver();
    expect([...(await rig.stored())].sort()).toEqual(['long ago and sure', 'unsure']);
    expect([rig.spool.state.aside.jobs, rig.seen]).toEqual([1, ['SPOOL_ASIDE']]);
    expect(await rig.spool.retry(false)).toBe(0);
    expect(await rig.spool.retry(true)).toBe(1);
    await rig.isOver();
    expect(await rig.stored()).toContain('long ago and unsure');
  });

  it('goes by what the workers of a queue keep of its jobs, whatever its own process says', async () => {
    const declare = async (options: SimpleQueueOptions) => {
      const lanes = await rig.storage.lanes.numbersOf({ queue: 'mail' });
      const policies = new QueuePolicies(resolveOptions(options).options).ends();
      await rig.storage.leases.take(randomUUID(), 'w', 60_000, { lanes, policies });
    };
    await rig.start('told');
    await rig.enqueue('direct');
    await declare({ archive: false });
    const unsure = (agoMs = 120_000) => rig.spool.append(recordOf({ at: Date.now() - agoMs, unsure: true, jobs: [aJob('unsure')] })); // prettier-ignore
    await unsure();
    await rig.isOver();
    expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([[], 1]);

    await declare({ queues: { mail: { archive: { keepMs: 60_000 } } } });
    await unsure();
    await rig.isOver();
    expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([[], 2]);
    // The latest word, but a worker of before may live.
    await declare({});
    await unsure();
    await rig.isOver();
    expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([[], 3]);
    await rig.test.database.query(`
      update simple_queue.queue set policy = jsonb_set(policy, '{kept}', (
        select jsonb_object_agg(key, value::float8 - case when key::float8 < 1e6 then 86400 else 0 end)
        from jsonb_each(policy -> 'kept')))`);
    await unsure(86_400_000);
    await rig.isOver();
    expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([[], 4]);
    await declare({});
    await unsure();
    await rig.isOver();
    expect(await rig.stored()).toEqual(['unsure']);
  });

  it.each(['ready', 'cancelled'] as const)(
    'stores nothing again that an operator has purged since its call: %s',
    async (state) => {
      await rig.start(`purged ${state}`);
      const { storage, options } = rig.test;
      const admin = new QueueAdmin(storage, options);
      const [at, one, own] = [Date.now(), aJob('one'), [aJob('own')]];
      const call = (call: SpooledCall) => rig.spool.append(recordOf(call));
      await call({ at, jobs: [one] });
      await call({ at, jobs: own });
      await rig.isOver();
      if (state === 'cancelled') await admin.cancel({ queue: 'mail' });
      expect(await admin.purge({ queue: 'mail', state })).toEqual({ purged: 2, left: 0 });
      // Its reply was lost, of the other one that of its replay.
      await call({ at, unsure: true, jobs: [one] });
      await call({ at, jobs: own });
      await call({ at, jobs: [aJob('never sent')] });
      await rig.isOver();
      expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([['never sent'], 2]);
      await rig.spool.retry(true);
      await rig.isOver();
      expect([...(await rig.stored())].sort()).toEqual(['never sent', 'one', 'own']);
      // A purge of long before says nothing of a call.
      await rig.test.database.query(`
      update simple_queue.queue set policy = jsonb_set(policy, '{kept,-1}', to_jsonb((policy -> 'kept' ->> '-1')::float8 - 3600))`);
      await call({ at, unsure: true, jobs: [aJob('later')] });
      await rig.isOver();
      expect(await rig.stored()).toContain('later');
    },
  );

  it.each<[string, { unsure?: true }, Partial<CheckedJob>]>([
    ['may be stored already', { unsure: true }, {}],
    ['are counted', {}, { maxPending: 1_000 }],
  ])('stores many calls that %s by a few statements', async (kind, more, options) => {
    await rig.start(kind);
    rig.proxy.stop();
    await rig.enqueue('first');
    const [at, calls] = [Date.now(), Array.from({ length: 300 }, (_, n) => aJob(`${n}`, options))];
    await Promise.all(calls.map((job) => rig.spool.append(recordOf({ at, ...more, jobs: [job] }))));
    const recorded = recordStatements();
    await rig.proxy.pass();
    await rig.isOver();
    recorded.stop();
    expect(await rig.stored()).toHaveLength(301);
    expect(recorded.names.filter((name) => name.startsWith('enqueue')).length).toBeLessThan(10);
  });

  it('puts no job of an ordered group aside for a full queue: those behind it would pass it', async () => {
    await rig.start('in order');
    const counted = { maxPending: 2 };
    const call = (job: CheckedJob) => rig.spool.append(recordOf({ at: Date.now(), jobs: [job] }));
    rig.proxy.stop();
    await rig.enqueue('first');
    for (const n of [1, 2, 3])
      await call(aJob(`${n}`, { ...counted, group: 'one', ordered: true }));
    await call(aJob('counted', counted));
    await rig.proxy.pass();
    await rig.isOver();
    expect([...(await rig.stored())].sort()).toEqual(['1', '2', '3', 'first']);
    expect(rig.spool.state.aside.jobs).toBe(1);
  });

  it('counts the age of a call that may be stored from its begin', async () => {
    await rig.start('begin');
    await rig.enqueue('direct');
    const append = jest.spyOn(rig.spool, 'append');
    rig.proxy.failAt('sq_enqueue', 1);
    const call = rig.enqueue('lost');
    const begun = Date.now();
    expect(await call).toBe('spooled');
    expect(callOf(append.mock.calls[0]![0])).toMatchObject({ unsure: true });
    expect(callOf(append.mock.calls[0]![0])!.at).toBeLessThanOrEqual(begun);
    await rig.proxy.pass();
    await rig.isOver();
  });

  it('knows no age by a clock that was set back meanwhile', async () => {
    await rig.start('steps', undefined, { archive: { keepMs: 60_000 } });
    const ahead = jest.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 3_600_000); // prettier-ignore
    const ages = [3_610_000, 120_000, 10_000].map((ms) => wallTime() - ms);
    ahead.mockRestore();
    for (const at of ages)
      await rig.spool.append(recordOf({ at, unsure: true, jobs: [aJob(`${at}`)] }));
    await rig.isOver();
    expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([[], 3]);
  });

  it.each([
    ['accepts a connection', ''],
    ['is told who connects', 'user'],
    ['is told the settings of the session', 'statement_timeout'],
  ])('takes what nobody would remember where the line closes as it %s', async (_, text) => {
    const replace = { uniqueKey: 'k', onConflict: 'replace', delayMs: DAY_MS } as const;
    for (const options of [{}, replace]) {
      await rig.start(`closed ${text}`, undefined, { archive: false });
      await rig.enqueue('direct', options);
      rig.proxy.hangUp(text);
      await eventually(async () => expect(await rig.enqueue('kept', options)).toBe('spooled'));
      await rig.proxy.pass();
      await rig.isOver();
      if (options !== replace) await rig.storage.onApplicationShutdown();
    }
    expect(await rig.stored()).toEqual(['kept', 'kept']);
  });

  it('stores a call once that is replayed again after its job has run and was forgotten, and its id as often as it is given', async () => {
    await rig.start('again', undefined, { archive: false });
    const jobs = [aJob('one')];
    const at = Date.now();
    const calls = [
      { at, jobs: [aJob('other')] },
      { at, jobs },
    ];
    for (const call of calls) await rig.spool.append(recordOf(call));
    await rig.isOver();
    expect((await rig.stored()).toSorted()).toEqual(['one', 'other']);
    await rig.test.database.query('delete from simple_queue.job');
    for (const call of [...calls, { at, jobs: [aJob('third')] }])
      await rig.spool.append(recordOf(call));
    await rig.isOver();
    expect(await rig.stored()).toEqual(['third']);
    await rig.spool.append(recordOf({ at: at + 1, jobs }));
    await rig.isOver();
    expect((await rig.stored()).toSorted()).toEqual(['one', 'third']);
  });

  it('tries a call five times that the database refuses for no reason of its own, and then goes on', async () => {
    await rig.start('five');
    const { database } = rig.test;
    await database.query(`
      create sequence tries;
      create function refuse() returns trigger language plpgsql as $$
        begin
          if new.payload::text = '"bad"' then
            perform nextval('public.tries');
            raise exception 'not now' using errcode = 'P0001';
          end if;
          return new;
        end $$;
      create trigger refuse before insert on simple_queue.job for each row execute function refuse();`);
    await rig.spooled('a', 'bad', 'b');
    await rig.proxy.pass();
    await rig.isOver();
    expect(await rig.stored()).toEqual(['a', 'b']);
    // The batch, and then the call by itself.
    expect(await database.query('select last_value::int as n from tries')).toEqual([{ n: 6 }]);
    expect([rig.spool.state.aside.jobs, rig.seen.filter((each) => each !== 'replay')]).toEqual([1, ['SPOOL_ASIDE']]); // prettier-ignore
    await eventually(() => expect(rig.over).toEqual([{ jobs: 2, existing: 0, aside: 1 }]));
    await database.query('drop trigger refuse on simple_queue.job');
    // As happens every minute.
    expect(await rig.spool.retry(false)).toBe(1);
    await rig.isOver();
    expect([...(await rig.stored())].sort()).toEqual(['a', 'b', 'bad']);
    await eventually(() => expect(rig.over.slice(1)).toEqual([{ jobs: 1, existing: 0, aside: 0 }]));
  });

  it('tries again what was put aside a minute after its start, however old its process is', async () => {
    await rig.start('minute');
    await rig.spool.keepAside([recordOf({ at: Date.now(), jobs: [aJob('aside')] })], true);
    await rig.storage.onApplicationShutdown();
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + DAY_MS);
    await rig.start('minute');
    await rig.spool.append(recordOf({ at: Date.now(), jobs: [aJob('first')] }));
    await rig.isOver();
    expect([await rig.stored(), rig.spool.state.aside.jobs]).toEqual([['first'], 1]);
  });

  it('holds exactly maxBytes, and not one more', async () => {
    await rig.start('exact', 65_536);
    await rig.spooled('first');
    const { bytes } = rig.spool;
    await rig.spooled('first');
    const perCall = rig.spool.bytes - bytes;
    const room = 65_536 - rig.spool.bytes;
    const text = 'x'.repeat(room - perCall + 'first'.length);
    await expect(rig.enqueue(`${text}x`)).rejects.toMatchObject(away('spool.maxBytes'));
    expect(await rig.enqueue(text)).toBe('spooled');
    expect([rig.spool.bytes, rig.spool.hasRoom]).toEqual([65_536, false]);
    await expect(rig.enqueue('')).rejects.toMatchObject(away('spool.maxBytes'));
    await rig.proxy.pass();
    await rig.isDirect();
    expect(await rig.stored()).toEqual(['first', 'first', text]);
    expect(rig.spool.hasRoom).toBe(true);
  });

  it('takes no call that is larger than all of it, and smaller ones after that', async () => {
    await rig.start('large', 65_536);
    rig.proxy.stop();
    await expect(rig.enqueue('x'.repeat(65_536))).rejects.toMatchObject(away('spool.maxBytes'));
    await rig.spooled('small');
    expect(rig.seen).toEqual(['SPOOL_FULL']);
    await rig.proxy.pass();
    await rig.isOver();
    expect(await rig.stored()).toEqual(['small']);
  });

  it('says that its disk is full, keeps what it has acknowledged, and needs no disk with a database', async () => {
    const folder = await rig.start('full').then((path) => `${path}-disk`);
    await rig.storage.onApplicationShutdown();
    const isSmall = await isSmallDisk(folder);
    await rig.start('full-disk');
    if (!isSmall) return;
    const kept: string[] = [];
    rig.proxy.stop();
    const next = async (n: number) => {
      const text = `${n} ${'x'.repeat(9_000)}`;
      expect(await rig.enqueue(text)).toBe('spooled');
      kept.push(text);
    };
    await expect(eventuallyFull(next)).rejects.toMatchObject(away('ENOSPC'));
    expect(kept.length).toBeGreaterThan(3);
    await rig.proxy.pass();
    await rig.isDirect();
    expect(await rig.stored()).toEqual(kept);
    await eventually(() => rig.spool.isEmpty);
    await rig.storage.onApplicationShutdown();
    unmount(folder);
    expect(rig.seen).toEqual(['SPOOL_FULL']);
  });
});

const eventuallyFull = async (next: (n: number) => Promise<void>): Promise<void> => {
  for (let n = 0; n < 20; n++) await next(n);
};
