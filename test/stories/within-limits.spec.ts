import { describe, expect, it } from '@jest/globals';
import { defer } from 'rxjs';
import { QueueLimits } from 'nestjs-simple-queue/limits';
import { JobResult } from '../../lib/job/job-result.js';
import { aHandler, PATIENT, type TestApplication, failedLoops } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { patient, scaled } from '../support/patience.mjs';
import { recordStatements } from '../support/recorded-statements.js';
import { aStory, untilJobIs } from '../support/story.js';

const limitsOf = ({ app }: TestApplication): QueueLimits => app.get(QueueLimits, { strict: false });
const aTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calls within a limit', () => {
  const story = aStory(PATIENT);

  const aWeb = (limits: Record<string, object>) =>
    story.start({ options: { worker: false, limits } });
  const shares = async (name: string) =>
    (
      await story.database.query<{ allotted: number }>(
        'select allotted from simple_queue.fleet_limit where name = $1',
        [name],
      )
    )[0]?.allotted;

  it('are as many at once as it lets in, over processes, and their permits come back however they end', async () => {
    const [one, other] = await Promise.all([
      aWeb({ api: { concurrency: 2 } }),
      aWeb({ api: { concurrency: 2 } }),
    ]);
    let [now, most] = [0, 0];
    const call = async (n: number) => {
      most = Math.max(most, ++now);
      await aTick();
      now--;
      if (n % 3 === 0) throw new Error('refused');
      return n;
    };

    const calls = Array.from({ length: 12 }, (_, n) =>
      limitsOf(n % 2 ? one : other).within('api', () => call(n)),
    );
    const ended = await Promise.allSettled(calls);

    expect(most).toBeLessThanOrEqual(2);
    expect(ended.filter(({ status }) => status === 'fulfilled').length).toBe(8);
    await eventually(async () => expect(await shares('api')).toBe(0));
  });

  it('share it with the handlers that use it: a worker that holds it idle gives some back', async () => {
    const options = { limits: { shared: { concurrency: 2 } } };
    const worker = await story.start({
      options,
      providers: [aHandler('work', () => undefined, { uses: ['shared'] })],
    });
    const { id } = await worker.queues.enqueue('work', {});
    await untilJobIs('succeeded', worker, id);
    expect(await shares('shared')).toBe(2);

    const web = await aWeb(options.limits);

    expect(await limitsOf(web).within('shared', { weight: 2 }, () => 'called')).toBe('called');
  });

  it.each([
    ['of a rate', { rate: { limit: 20, perMs: 1_000 } }],
    ['of a slow rate', { rate: { limit: 2, perMs: 1_000, burst: 1 } }],
    ['of a strict rate', { rate: { limit: 20, perMs: 1_000, strict: true } }],
    ['of permits and a rate', { concurrency: 3, rate: { limit: 40, perMs: 1_000 } }],
  ])(
    'begin beside a worker that wants each start %s, and so does the worker',
    async (_, rule) => {
      const options = { limits: { busy: rule } };
      let [jobs, calls] = [0, 0];
      const worker = await story.start({
        options,
        providers: [aHandler('work', () => void jobs++, { uses: ['busy'] })],
      });
      const webs = [await aWeb(options.limits), await aWeb(options.limits)];
      await worker.queues.enqueueMany('work', Array.from({ length: 1_000 }, (__, n) => ({ payload: n }))); // prettier-ignore
      await eventually(() => expect(jobs).toBeGreaterThan(0));
      const before = jobs;

      const call = async (web: TestApplication) => {
        for (let n = 0; n < 3 || jobs < before + 2; n++)
          await limitsOf(web).within('busy', { timeoutMs: patient(15_000) }, () => calls++);
      };
      await Promise.all(webs.map(call));

      expect(calls).toBeGreaterThanOrEqual(6);
    },
    patient(60_000),
  );

  it.each([1, 2])(
    'enter with any weight beside %d workers that want all of it',
    async (many) => {
      const options = { limits: { busy: { concurrency: 4 } } };
      let isOver = false;
      const queues = ['one', 'two'].slice(0, many);
      const workers = await Promise.all(
        queues.map(async (queue) => {
          const again = async () => {
            await aTick();
            if (!isOver) await worker.queues.enqueue(queue, 1);
          };
          const providers = [aHandler(queue, again, { uses: ['busy'] })];
          const worker = await story.start({ options, providers });
          return worker;
        }),
      );
      const webs = [await aWeb(options.limits), await aWeb(options.limits)];
      for (const [n, queue] of queues.entries())
      await workers[n]!.queues.enqueueMany(queue, Array.from({ length: 50 }, () => ({ payload: 1 }))); // prettier-ignore
      await eventually(async () => expect(await shares('busy')).toBe(4));

      const call = (web: TestApplication, weight: number) =>
        limitsOf(web).within('busy', { weight, timeoutMs: patient(15_000) }, () => weight);
      for (const weight of [2, 3, 4]) expect(await call(webs[0]!, weight)).toBe(weight);
      expect(await Promise.all([call(webs[0]!, 4), call(webs[1]!, 1)])).toEqual([4, 1]);
      isOver = true;
    },
    patient(60_000),
  );

  it('are one statement each where a rate is all that the limit says', async () => {
    const web = limitsOf(await aWeb({ quick: { rate: { limit: 1_000, perMs: 3_600_000 } } }));
    const call = () => web.within('quick', () => undefined);
    await call();
    const sent = recordStatements();
    for (let n = 0; n < 5; n++) await call();
    sent.stop();
    const ofLimits = sent.names.filter((said) => /limit|share/.test(said));
    expect(ofLimits.map((said) => /^enter_limit|entered as/.test(said))).toEqual(Array(5).fill(true)); // prettier-ignore
  });

  it('hold nothing of the same name of another schema', async () => {
    const limits = { api: { concurrency: 1 } };
    const web = limitsOf(await aWeb(limits));
    const options = { worker: false as const, schema: 'elsewhere', limits };
    const other = limitsOf(await story.start({ options }));
    expect(await web.within('api', () => other.within('api', () => 'entered'))).toBe('entered');
  });

  it('hold it until they have ended: what they only started holds nothing then', async () => {
    const web = await aWeb({ held: { concurrency: 2 } });
    const gate = aGate();
    let started: Promise<string> | undefined;
    const ask = () => limitsOf(web).within('held', () => 'entered');
    await limitsOf(web).within('held', async () => {
      await expect(ask()).rejects.toMatchObject({ code: 'LIMIT_HELD' });
      started = gate.passed.then(ask);
    });
    gate.open();
    expect(await started).toBe('entered');
  });

  // No worker lives that would free it.
  it('enter where the process that had the permit is dead', async () => {
    const web = await story.start({
      options: { worker: false, reaperIntervalMs: 10, limits: { lost: { concurrency: 1 } } },
    });
    await limitsOf(web).within('lost', () => 'declared');
    await eventually(async () => expect(await shares('lost')).toBe(0));
    await story.database.query(
      `update simple_queue.fleet_limit set allotted = 1 where name = 'lost'`,
    );
    await story.database.query(
      `insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, expires_at)
      values ('lost', 0, gen_random_uuid(), 1, 1, 'dead:1', now() - interval '1 second')`,
    );
    expect(await limitsOf(web).within('lost', () => 'entered')).toBe('entered');
  });

  it('are waited for where the application closes, and their permits come back; who waits is refused', async () => {
    const limits = { closing: { concurrency: 1 } };
    const [web, other] = [await aWeb(limits), await aWeb(limits)];
    const [gate, stuck] = [aGate(), aGate()];
    const inside = limitsOf(web).within('closing', () => gate.passed);
    await eventually(async () => expect(await shares('closing')).toBe(1));
    const waiting = limitsOf(web).within('closing', () => 'never');
    const closed = web.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    gate.open();
    await inside;
    await closed;
    expect(await shares('closing')).toBe(0);

    const hasty = await story.start({ options: { worker: false, shutdownGraceMs: 1, limits } });
    const left = limitsOf(hasty).within('closing', () => stuck.passed);
    await eventually(async () => expect(await shares('closing')).toBe(1));
    await hasty.close();
    expect(await limitsOf(other).within('closing', () => 'entered')).toBe('entered');
    stuck.open();
    await left;
  });

  it('wait no longer than they may, and end with the signal', async () => {
    const web = await aWeb({ narrow: { concurrency: 1 } });
    const gate = aGate();
    const first = limitsOf(web).within('narrow', () => gate.passed);
    await eventually(async () => expect(await shares('narrow')).toBe(1));

    const late = limitsOf(web).within('narrow', { timeoutMs: 1 }, () => 'never');
    await expect(late).rejects.toMatchObject({ code: 'LIMIT_TIMEOUT' });
    const patientOne = limitsOf(web).within('narrow', () => 'later');
    const behindIt = limitsOf(web).within('narrow', { timeoutMs: 1 }, () => 'never');
    await expect(behindIt).rejects.toMatchObject({ code: 'LIMIT_TIMEOUT' });
    const abort = new AbortController();
    const given = limitsOf(web).within('narrow', { signal: abort.signal }, () => 'never');
    const behind = limitsOf(web).within('narrow', { signal: abort.signal }, () => 'never');
    // Neither waits for those in front.
    for (const timeoutMs of [0, 1])
      await expect(limitsOf(web).within('narrow', { timeoutMs }, () => 'never')).rejects.toMatchObject({ code: 'LIMIT_TIMEOUT' }); // prettier-ignore
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await expect(behind).rejects.toThrow('enough');

    gate.open();
    await first;
    expect(await patientOne).toBe('later');
    expect(await limitsOf(web).within('narrow', () => 'next')).toBe('next');
  });

  it('are refused where they could never enter, and where they would wait for themselves', async () => {
    const limits = {
      small: { concurrency: 2 },
      strict: { rate: { limit: 5, perMs: 1_000, strict: true } },
    };
    const web = limitsOf(await aWeb(limits));
    const never = () => 'never';

    await expect(web.within('smal', never)).rejects.toMatchObject({
      code: 'LIMIT_UNKNOWN',
      message: expect.stringContaining('Did you mean "small"?'),
    });
    await expect(web.within('small', { weight: 3 }, never)).rejects.toMatchObject({ code: 'LIMIT_UNREACHABLE' }); // prettier-ignore
    await expect(web.within('strict', { weight: 2 }, never)).rejects.toMatchObject({ code: 'LIMIT_UNREACHABLE' }); // prettier-ignore
    await expect(web.within('small', () => web.within('small', never))).rejects.toMatchObject({ code: 'LIMIT_HELD' }); // prettier-ignore
    for (const weight of [0, -1, 1.5, NaN, '2' as never])
      await expect(web.within('small', { weight }, never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    for (const name of [null, 7, 'a\0b'])
      await expect(web.within(name as never, never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    await expect(web.slowDown('small', '5 moons' as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    expect(await web.within('small', { timeoutMs: '5 s' }, () => 'entered')).toBe('entered');
    await expect(web.within('small', 'no function' as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' }); // prettier-ignore
    await eventually(async () => expect(await shares('small')).toBe(0));
  });

  it('keep the permit as long as they last, and lose it when their process dies', async () => {
    const limits = { long: { concurrency: 1 } };
    // What is renewed each third of it.
    const options = { limits, leaseMs: scaled(6_000) };
    const web = await story.start({ options: { ...options, worker: false } });
    const worker = await story.start({ options });
    const gate = aGate();
    const call = limitsOf(web).within('long', () => gate.passed);
    await eventually(async () => expect(await shares('long')).toBe(1));
    const expiry = async () =>
      (
        await story.database.query<{ at: Date }>(
          `select expires_at as at from simple_queue.allotment where name = 'long' and n = 1`,
        )
      )[0]!.at.getTime();
    const before = await expiry();
    await eventually(async () => expect(await expiry()).toBeGreaterThan(before));

    gate.open();
    await call;
    // In one statement: the reaper looks on.
    await story.database.query(
      `with died as (
        insert into simple_queue.allotment (name, shard, lease, n, wanted, expires_at) values ('long', 0, gen_random_uuid(), 1, 1, now()))
      update simple_queue.fleet_limit set allotted = 1 where name = 'long'`,
    );
    await eventually(async () => expect(await shares('long')).toBe(0));
    expect(failedLoops(worker)).toEqual([]);
  });

  it('of a job that holds the limit already are refused', async () => {
    const options = { limits: { api: { concurrency: 2 } } };
    const app = await story.start({
      options,
      providers: [
        aHandler('nested', () => limitsOf(app).within('api', () => 1), {
          uses: ['api'],
          maxAttempts: 1,
        }),
      ],
    });

    const { id } = await app.queues.enqueue('nested', {});

    const job = await untilJobIs('failed', app, id);
    expect(job.lastError).toMatchObject({ code: 'LIMIT_HELD' });
  });

  // As query builders do: each `then` sends the statement.
  it('do their work once where it begins with its `then`, and hold the limit in it, as an Observable does', async () => {
    let calls = 0;
    const lazy = (work: () => unknown = () => 'done'): PromiseLike<unknown> => ({
      then: (...ends) => (calls++, Promise.resolve().then(work)).then(...ends),
    });
    const nested = () => limitsOf(app).within('lazy', () => 1);
    const using = { uses: ['lazy'], maxAttempts: 1 };
    const app = await story.start({
      options: { limits: { lazy: { concurrency: 2 } } },
      providers: [
        aHandler('lazy', () => lazy(), using),
        aHandler('nested-lazy', () => lazy(nested), using),
        aHandler('observed', () => defer(nested), using),
      ],
    });

    expect(await limitsOf(app).within('lazy', () => lazy() as Promise<unknown>)).toBe('done');
    expect(calls).toBe(1);

    const { id } = await app.queues.enqueue('lazy', {});
    expect(await untilJobIs('succeeded', app, id)).toMatchObject({ output: 'done' });
    expect(calls).toBe(2);

    for (const queue of ['nested-lazy', 'observed']) {
      const { id } = await app.queues.enqueue(queue, {});
      const { lastError } = await untilJobIs('failed', app, id);
      expect(lastError).toMatchObject({ code: 'LIMIT_HELD' });
    }
  });

  it('are of named limits: that of a queue is refused, and its own job waits for nothing', async () => {
    const app = await story.start({
      options: { queues: { tight: { fleetConcurrency: 1 } } },
      providers: [aHandler('tight', () => limitsOf(app).within('tight', () => 1), { maxAttempts: 1 })], // prettier-ignore
    });
    const { id } = await app.queues.enqueue('tight', {});
    const job = await untilJobIs('failed', app, id);
    expect(job.lastError).toMatchObject({ code: 'LIMIT_UNKNOWN' });
  });

  it('wait for the calls of a process that died no longer than those would have been renewed', async () => {
    const web = await aWeb({ heir: { concurrency: 2 } });
    const name = 'heir';
    await limitsOf(web).within(name, () => undefined);
    await story.database.query(
      `insert into simple_queue.allotment (name, shard, lease, n, wanted, holder, turn_at, expires_at)
      values ($1, 0, gen_random_uuid(), 0, 2, 'a dead one', now() - interval '1 minute', now() + interval '1 hour')`,
      [name],
    );
    const isDue = `select from simple_queue.allotment where name = $1 and wanted = 2 and expires_at > now()`;

    await expect(limitsOf(web).within(name, { timeoutMs: 0 }, () => undefined)).rejects.toMatchObject({ code: 'LIMIT_TIMEOUT' }); // prettier-ignore
    await story.database.query(`update simple_queue.allotment set expires_at = now() + interval '1 second' where holder = 'a dead one'`); // prettier-ignore
    await limitsOf(web).within(name, () => undefined);

    expect(await story.database.query(isDue, [name])).toEqual([]);
  });

  it('and jobs rest together after a 429, which spends neither attempt nor reschedule', async () => {
    let [calls, refusedAt] = [0, 0];
    const options = {
      queues: { polite: { maxAttempts: 1, fleetConcurrency: 5 } },
      rescheduleForMs: 0,
    };
    const handle = () => {
      calls++;
      if (calls > 1) return 'done';
      refusedAt = performance.now();
      return JobResult.retryIn(700, { slowDown: true });
    };
    const app = await story.start({ options, providers: [aHandler('polite', handle)] });

    const { id } = await app.queues.enqueue('polite', {});
    await eventually(() => expect(app.seen('released')).toMatchObject([{ reason: 'slowDown' }]));
    await eventually(async () => expect(await story.database.query(`select from simple_queue.fleet_limit where name = 'polite' and held_until is not null`)).toHaveLength(1)); // prettier-ignore
    const other = await app.queues.enqueue('polite', {});
    let startedAt = Infinity;
    const stop = app.events.on(
      'started',
      () => (startedAt = Math.min(startedAt, performance.now())),
    );

    await untilJobIs('succeeded', app, other.id);
    const job = await untilJobIs('succeeded', app, id);

    stop();
    expect(job).toMatchObject({ attempt: 1, reschedules: 0 });
    // The clocks of process and server agree to within some milliseconds.
    expect(startedAt - refusedAt).toBeGreaterThan(650);
  });
});
