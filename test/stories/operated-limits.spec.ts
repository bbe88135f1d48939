import { describe, expect, it } from '@jest/globals';
import { JobResult } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { QueueLimits } from 'nestjs-simple-queue/limits';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aStory } from '../support/story.js';

const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });
const items = (count: number) => Array.from({ length: count }, (_, n) => ({ payload: { n } }));

describe('a limit that operators set', () => {
  const story = aStory(PATIENT);

  it('is lowered and raised while jobs run: nothing is stopped, and shares follow', async () => {
    let [now, most] = [0, 0];
    let gate = aGate();
    const options = { queues: { work: { fleetConcurrency: 6 } } };
    const start = () =>
      story.start({
        options,
        providers: [
          aHandler('work', async () => {
            most = Math.max(most, ++now);
            await gate.passed;
            now--;
          }),
        ],
      });
    const [one] = await Promise.all([start(), start()]);
    await one.queues.enqueueMany('work', items(400));
    await eventually(() => expect(now).toBe(6));

    await adminOf(one).setLimit('work', { fleetConcurrency: 2 });
    await eventually(async () => {
      const before = gate;
      gate = aGate();
      before.open();
      expect(await adminOf(one).limits()).toMatchObject([
        { name: 'work', concurrency: 2, allotted: 2, setAt: expect.any(Date) },
      ]);
    });
    most = now;
    await eventually(() => expect(now).toBe(2));
    expect(most).toBeLessThanOrEqual(2);

    await adminOf(one).setLimit('work', { fleetConcurrency: 9 });
    await eventually(() => expect(now).toBe(9));
    await adminOf(one).resetLimit('work');
    await eventually(async () => expect(await adminOf(one).limits()).toMatchObject([{ concurrency: 6 }])); // prettier-ignore
    gate.open();
    await eventually(async () => expect(await story.database.query('select from simple_queue.job')).toEqual([])); // prettier-ignore
    expect(most).toBe(9);
  });

  it('starts at once what a raised rate allows, and what a rest kept back', async () => {
    let ran = 0;
    const app = await story.start({
      options: { limits: { paced: { rate: { limit: 1, perMs: 86_400_000 } } } },
      providers: [aHandler('calls', () => void ran++, { uses: ['paced'] })],
    });
    const [admin, limits] = [adminOf(app), app.app.get(QueueLimits, { strict: false })];
    await app.queues.enqueueMany('calls', items(2));
    await eventually(() => expect(ran).toBe(1));
    await admin.setLimit('paced', { rate: { limit: 1_000, perMs: 1_000 } });
    await eventually(() => expect(ran).toBe(2));

    await limits.slowDown('paced', 86_400_000);
    await app.queues.enqueueMany('calls', items(1));
    await admin.setLimit('paced', { concurrency: 5 });
    await eventually(() => expect(ran).toBe(3));
    await limits.slowDown('paced', 86_400_000);
    await app.queues.enqueueMany('calls', items(1));
    await admin.resetLimit('paced');
    expect((await admin.limits()).find(({ name }) => name === 'paced')!.restsUntil).toBeUndefined();
    await admin.setLimit('paced', { rate: null });
    await eventually(() => expect(ran).toBe(4));
  });

  // Whoever set the clock back would have stopped the limit until it was where it had been.
  it('goes on where the clock was set back by a day', async () => {
    let ran = 0;
    const limits = { back: { rate: { limit: 10, perMs: 1_000 } } };
    const app = await story.start({
      options: { limits },
      providers: [aHandler('backs', () => void ran++, { uses: ['back'] })],
    });
    await story.database.query(
      `update simple_queue.fleet_limit set next_at = now() + interval '1 day' where name = 'back'`,
    );
    await app.queues.enqueueMany('backs', items(3));
    await eventually(() => expect(ran).toBe(3));
  });

  it('says why a job waits: who holds the permits, and until when the rate or a 429 keeps it', async () => {
    const gate = aGate();
    const app = await story.start({
      options: { queues: { full: { fleetConcurrency: 1 } } },
      providers: [aHandler('full', () => gate.passed)],
    });
    const admin = adminOf(app);
    const first = await app.queues.enqueue('full', 1);
    await eventually(() => expect(app.seen('started').length).toBe(1));
    const { id } = await app.queues.enqueue('full', 2);

    await eventually(async () => {
      const { reasons } = await admin.explain(id);
      expect(reasons[0]).toMatchObject({ code: 'LIMIT_FULL', text: expect.stringContaining(`has 1 (jobs ${first.id})`) }); // prettier-ignore
    });
    await admin.setLimit('full', { rate: { limit: 1, perMs: 3_600_000 } });
    await app.storage.limits.hold('full', true, 60_000);
    await story.database.query(`update simple_queue.fleet_limit set next_at = now() + interval '1 hour' where name = 'full'`); // prettier-ignore
    const codes = (await admin.explain(id)).reasons.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['LIMIT_RESTS', 'RATE_LIMITED', 'LIMIT_FULL']));
    await story.clear();
  });

  it('may have the name of a queue whose jobs were told to slow down, which nobody has limited', async () => {
    const handler = () =>
      aHandler('polite', () => JobResult.retryIn(3_600_000, { slowDown: true }));
    const app = await story.start({ providers: [handler()] });
    await app.queues.enqueue('polite', 1);
    const rests = `select of_queue, rule, held_until > now() as rests from simple_queue.fleet_limit where name = 'polite'`;
    await eventually(async () => expect(await story.database.query(rests)).toEqual([{ of_queue: true, rule: '{}', rests: true }])); // prettier-ignore

    await story.start({ options: { limits: { polite: { concurrency: 2 } } } });

    expect(await story.database.query(rests)).toEqual([
      { of_queue: false, rule: '{"concurrency":2}', rests: null },
    ]);
    const queues = { polite: { fleetConcurrency: 2 } };
    await expect(story.start({ options: { queues } })).rejects.toMatchObject({ code: 'LIMIT_NAME_TAKEN' }); // prettier-ignore
    await story.clear();
  });

  it('does not rest where a queue of its name, which has no limit, is told to slow down', async () => {
    let ran = 0;
    const app = await story.start({
      options: { limits: { meek: { concurrency: 2 } } },
      providers: [
        aHandler('meek', () => JobResult.retryIn(3_600_000, { slowDown: true })),
        aHandler('calls', () => void ran++, { uses: ['meek'] }),
      ],
    });
    await app.queues.enqueue('meek', 1);
    await eventually(() => expect(app.seen('warning')).toMatchObject([{ code: 'LIMIT_NAME_TAKEN' }])); // prettier-ignore

    await app.queues.enqueue('calls', 1);
    await eventually(() => expect(ran).toBe(1));
    const rests = (await adminOf(app).limits()).filter(({ restsUntil }) => restsUntil);
    expect(rests.filter(({ name }) => name === 'meek')).toEqual([]);
    await story.clear();
  });

  it('is told to rest by a few statements, however many jobs are told so at once', async () => {
    const gate = aGate();
    const slow = async () => (
      await gate.passed,
      JobResult.rescheduleIn(3_600_000, { slowDown: true })
    );
    const app = await story.start({
      options: { concurrency: 40, queues: { crowd: { concurrency: 40, fleetConcurrency: 40 } } },
      providers: [aHandler('crowd', slow)],
    });
    await app.queues.enqueueMany('crowd', items(40));
    await eventually(() => expect(app.seen('started')).toHaveLength(40));

    const sent = recordStatements();
    gate.open();
    await eventually(() => expect(app.seen('released')).toHaveLength(40));
    sent.stop();
    expect(
      sent.names.filter((said) => /hold_limit|rule, held_until/.test(said)).length,
    ).toBeLessThan(5);
    await story.clear();
  });

  it('may say its times as texts, and is the same limit then', async () => {
    const rate = { limit: 5, perMs: '1 s' } as const;
    const options = { queues: { words: { rate } }, limits: { api: { rate } } };
    const app = await story.start({ options });
    const admin = adminOf(app);
    const ratesOf = async () => (await admin.limits()).map(({ name, rate }) => [name, rate?.perMs]);
    await eventually(
      async () =>
      expect(await ratesOf()).toEqual(expect.arrayContaining([['words', 1_000], ['api', 1_000]])), // prettier-ignore
    );
    await admin.setLimit('words', { rate: { limit: 5, perMs: '2 min' } });
    expect(await ratesOf()).toEqual(expect.arrayContaining([['words', 120_000]]));
  });

  it.each([
    [{ fleetConcurrency: 0 }, 'INVALID_OPTION'],
    [{ fleetConcurrency: -3 }, 'INVALID_OPTION'],
    [{ rate: { limit: 5, perMs: '2 moons' } }, 'INVALID_OPTION'],
    [{ rate: { limit: 5, perMs: '2 days' } }, 'INVALID_OPTION'],
    [{ rate: { limit: 5, perMs: 1_000, strict: true, burst: 2 } }, 'INVALID_OPTION'],
    [{ concurrency: 5 }, 'INVALID_OPTION'],
    [{}, 'INVALID_OPTION'],
    ['10', 'INVALID_OPTION'],
  ])('cannot be %j', async (change, code) => {
    const app = await story.start({ options: { queues: { work: { fleetConcurrency: 6 } } } });
    await expect(adminOf(app).setLimit('work', change as never)).rejects.toMatchObject({ code });
    await expect(adminOf(app).setLimit('nowhere', { fleetConcurrency: 1 })).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN' }); // prettier-ignore
    expect(await adminOf(app).limits()).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'work', concurrency: 6 })])); // prettier-ignore
  });

  it('is called unknown where neither a limit nor a queue has the name, whatever is said of it', async () => {
    const options = { queues: { work: { fleetConcurrency: 6 } } };
    const app = await story.start({
      options: { ...options, limits: { stripe: { concurrency: 1 } } },
    });
    const admin = adminOf(app);
    await app.queues.enqueueMany('work', items(1));
    const unknown = (message: string) => ({
      code: 'LIMIT_UNKNOWN',
      message: expect.stringContaining(message),
    });
    for (const change of [{ concurrency: 1 }, { fleetConcurrency: 1 }, { rate: null }])
      await expect(admin.setLimit('strip', change)).rejects.toMatchObject(unknown('Did you mean "stripe"?')); // prettier-ignore
    await expect(admin.resetLimit('wrk')).rejects.toMatchObject(unknown('Did you mean "work"?'));
    await expect(admin.setLimit('work', { concurrency: 1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    await expect(admin.setLimit('work', { perKey: { concurrency: 1 } })).rejects.toMatchObject(unknown('no limit per key')); // prettier-ignore
  });
});
