import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { QueueLimits, type LimitRule } from 'nestjs-simple-queue/limits';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory } from '../support/story.js';

const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });
const limitsOf = ({ app }: TestApplication): QueueLimits => app.get(QueueLimits, { strict: false });
const namesOf = async (app: TestApplication) =>
  (await adminOf(app).limits()).map(({ name, perKey }) => name + (perKey ? '/*' : ''));

describe('a limit that is taken away', () => {
  const story = aStory();
  /** In one transaction, in which no worker takes a share of one again. */
  const loseLimits = () =>
    story.database.query(`lock table simple_queue.fleet_limit, simple_queue.allotment;
      delete from simple_queue.allotment; delete from simple_queue.fleet_limit`);

  it('stays while a worker declares it or a call is within it, and then goes with all its shares', async () => {
    const limits = { old: { concurrency: 2 } };
    const perKey = { by: 'tenant', concurrency: 1 };
    const [one, other] = [
      await story.start({
        options: { limits, queues: { imports: { perKey }, mail: { fleetConcurrency: 3 } } },
        providers: [aHandler('calls', () => undefined, { uses: ['old'] }), aHandler('mail', () => undefined)], // prettier-ignore
      }),
      await story.start({ options: { worker: false, limits } }),
    ];
    const admin = adminOf(other);
    await eventually(async () =>
      expect((await admin.limits()).every(({ undeclared }) => !undeclared)).toBe(true),
    );
    for (const [name, part] of [
      ['old', {}],
      ['mail', {}],
      ['imports', { perKey: true }],
    ] as const)
      // prettier-ignore
      await expect(admin.removeLimit(name, part)).rejects.toMatchObject({ code: 'LIMIT_IN_USE' });
    expect(await namesOf(other)).toEqual(['imports/*', 'mail', 'old']);
    await one.close();

    expect(await admin.limits()).toMatchObject([{ undeclared: true }, { undeclared: true }, { undeclared: true }]); // prettier-ignore
    const [gate, entered] = [aGate(), aGate()];
    const call = limitsOf(other).within('old', () => (entered.open(), gate.passed));
    await entered.passed;
    await expect(admin.removeLimit('old')).rejects.toMatchObject({ code: 'LIMIT_IN_USE' });
    gate.open();
    await call;
    await eventually(() => admin.removeLimit('old'));
    await admin.removeLimit('mail');
    await admin.removeLimit('imports', { perKey: true });
    expect(await namesOf(other)).toEqual([]);
    expect(await story.database.query('select from simple_queue.allotment')).toEqual([]);
    await expect(admin.removeLimit('old')).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN' });
    await expect(admin.removeLimit('mail')).rejects.toThrow(/^Queue "mail" has no such limit.$/);
  });

  it.each([
    ['of every kind', { named: { concurrency: 2 }, paced: { rate: { limit: 9, perMs: 1_000 } } }, { mail: { fleetConcurrency: 3 } }], // prettier-ignore
    ['of keys alone', {}, {}],
  ])(
    'is kept by a worker whose lease has lapsed, and which declares it again: %s',
    async (_, limits: Record<string, LimitRule>, queues) => {
      const imports = { perKey: { by: 'tenant', concurrency: 1 } };
      const uses = Object.keys(limits);
      const app = await story.start({
        options: { limits, queues: { ...queues, imports } },
        providers: [aHandler('calls', () => undefined, uses.length > 0 ? { uses } : {}), aHandler('mail', () => undefined)], // prettier-ignore
      });
      const lease = async () =>
        (await story.database.query<{ id: string }>(`select id, lanes, about ? 'version' as told from simple_queue.lease`))[0]; // prettier-ignore
      const declared = async () =>
        expect((await adminOf(app).limits()).filter(({ undeclared }) => undeclared)).toEqual([]);
      await eventually(declared);
      const { id, ...before } = (await lease())!;
      expect(before).toEqual({ lanes: [expect.any(Number), expect.any(Number)], told: true });

      await story.database.query('delete from simple_queue.lease');

      await eventually(async () => expect(await lease()).toEqual({ id: expect.not.stringMatching(id), ...before })); // prettier-ignore
      await eventually(declared);
      for (const { name, perKey = false } of await adminOf(app).limits())
        await expect(adminOf(app).removeLimit(name, { perKey })).rejects.toMatchObject({ code: 'LIMIT_IN_USE' }); // prettier-ignore
      await app.close();
      const next = adminOf(await story.start());
      for (const { name } of await next.limits()) await next.removeLimit(name);
    },
  );

  // Used by calls alone, or by other processes: `within` and handlers somewhere else.
  it('stays while a worker declares it whose jobs do not obey it, and says so again where it was lost', async () => {
    const limits = { calls: { concurrency: 3 }, paced: { rate: { limit: 9, perMs: 1_000 } } };
    const app = await story.start({
      options: { limits, queues: { elsewhere: { fleetConcurrency: 3 } } },
      providers: [aHandler('here', () => undefined)],
    });
    const admin = adminOf(app);
    const isKept = async () => {
      expect((await admin.limits()).map(({ name, undeclared }) => [name, undeclared])).toEqual(
        ['calls', 'elsewhere', 'paced'].map((name) => [name, undefined]),
      );
      for (const { name } of await admin.limits())
        await expect(admin.removeLimit(name)).rejects.toMatchObject({ code: 'LIMIT_IN_USE' });
    };
    await eventually(isKept);
    expect(await limitsOf(app).within('calls', { weight: 3 }, () => 7)).toBe(7);
    await isKept();
    await story.database.query('delete from simple_queue.lease');
    await eventually(isKept);
    await loseLimits();
    await eventually(isKept);
    await app.close();
    const next = adminOf(await story.start());
    for (const { name } of await next.limits()) await next.removeLimit(name);
  });

  it('takes nothing away of a queue where one of both is in use', async () => {
    const app = await story.start({
      options: { queues: { both: { perKey: { by: 'tenant', concurrency: 1 } } } },
      providers: [aHandler('both', () => undefined)],
    });
    await eventually(async () => expect(await adminOf(app).limits()).not.toMatchObject([{ undeclared: true }])); // prettier-ignore
    await adminOf(app).setLimit('both', { fleetConcurrency: 3 });
    await expect(adminOf(app).removeLimit('both')).rejects.toMatchObject({ code: 'LIMIT_IN_USE' });
    expect(await namesOf(app)).toEqual(['both', 'both/*']);
    await adminOf(app).removeLimit('both', { perKey: false });
    expect(await namesOf(app)).toEqual(['both/*']);
    await app.close();
    const next = await story.start();
    await adminOf(next).removeLimit('both');
    expect(await namesOf(next)).toEqual([]);
  });

  it('lets run what it held back, where only an operator had set it', async () => {
    const gate = aGate();
    let running = 0;
    const app = await story.start({
      providers: [aHandler('free', () => (running++, gate.passed))],
    });
    await app.queues.enqueue('free', {});
    await eventually(() => expect(running).toBe(1));
    await adminOf(app).setLimit('free', { fleetConcurrency: 1 });
    await app.queues.enqueueMany('free', [{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
    await adminOf(app).removeLimit('free');
    await eventually(() => expect(running).toBe(4));
    gate.open();
  });

  it('is declared again by whoever still needs it: the next call, a worker, a remote worker', async () => {
    const limits = { api: { concurrency: 1 } };
    let ran = 0;
    const options = { limits, queues: { pulled: { fleetConcurrency: 1 } } };
    const app = await story.start({
      options,
      providers: [aHandler('calls', () => void ran++, { uses: ['api'] })],
    });
    await limitsOf(app).within('api', () => undefined);
    await loseLimits();
    expect(await limitsOf(app).within('api', () => 7)).toBe(7);
    await loseLimits();
    await limitsOf(app).slowDown('api', 1);
    await app.queues.enqueueMany('calls', [{ payload: 1 }, { payload: 2 }]);
    await eventually(() => expect(ran).toBe(2));
    await eventually(async () => expect(await namesOf(app)).toEqual(['api', 'pulled']));
  });

  it('is not where the call is wrong', async () => {
    const app = await story.start();
    for (const part of [{ perKey: 1 }, { rest: true }, { nonsense: true }, null])
      await expect(adminOf(app).removeLimit('mail', part as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    for (const name of ['', 'a b', 'x'.repeat(101), 'no\0', 'mail/*', 7])
      await expect(adminOf(app).removeLimit(name as never)).rejects.toMatchObject({ code: 'INVALID_NAME' }); // prettier-ignore
  });
});

describe('a rest', () => {
  const story = aStory();

  it('ends alone: what an operator has set holds on', async () => {
    const app = await story.start({ options: { limits: { api: { concurrency: 5 } } } });
    const admin = adminOf(app);
    await eventually(async () => expect(await namesOf(app)).toEqual(['api']));
    await admin.setLimit('api', { concurrency: 2 });
    await limitsOf(app).slowDown('api', '2 h');
    const [trouble] = await admin.troubles();
    expect(trouble).toMatchObject({
      code: 'LIMITS',
      fix: 'npx --no simple-queue limits reset api --rest',
    });
    await admin.resetLimit('api', { rest: true });
    expect(await admin.troubles()).toEqual([]);
    const [limit] = await admin.limits();
    expect(limit).toMatchObject({ concurrency: 2, setAt: expect.any(Date) });
    expect(limit!.restsUntil).toBeUndefined();
  });

  it('of a queue without a limit is listed as long as it lasts', async () => {
    const app = await story.start();
    await app.storage.limits.hold('bare', true, 3_600_000);
    expect(await namesOf(app)).toContain('bare');
    await story.database.query(`update simple_queue.fleet_limit set held_until = now() where name = 'bare'`); // prettier-ignore
    expect(await namesOf(app)).not.toContain('bare');
  });

  it('and what was set end by the name of the queue, with its limit per key or without', async () => {
    const queue = { fleetConcurrency: 5, perKey: { by: 'tenant', concurrency: 1 } };
    const app = await story.start({ options: { queues: { both: queue } } });
    const admin = adminOf(app);
    const set = async () =>
      (await admin.limits()).filter(({ name, setAt }) => name === 'both' && setAt).length;
    await eventually(async () => expect(await namesOf(app)).toContain('both'));
    await admin.setLimit('both', { fleetConcurrency: 2, perKey: { concurrency: 2 } });
    expect(await set()).toBe(2);
    await admin.resetLimit('both', { perKey: false });
    expect(await set()).toBe(1);
    await admin.setLimit('both', { fleetConcurrency: 2 });
    await admin.resetLimit('both');
    expect(await set()).toBe(0);
  });

  // One start per day is what somebody wants, and nothing that a person has to end.
  it('is a trouble, and a low rate is none', async () => {
    let ran = 0;
    const rate = { limit: 1, perMs: '1 d' } as const;
    const app = await story.start({
      options: { queues: { daily: { rate } } },
      providers: [aHandler('daily', () => void ran++)],
    });
    await app.queues.enqueueMany('daily', [{ payload: 1 }, { payload: 2 }]);
    await eventually(() => expect(ran).toBe(1));
    expect(await adminOf(app).troubles()).toEqual([]);
    await adminOf(app).cancel({ queue: 'daily' });
  });
});
