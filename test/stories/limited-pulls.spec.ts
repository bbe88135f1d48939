import { describe, expect, it, jest } from '@jest/globals';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { QueueLimits } from 'nestjs-simple-queue/limits';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aStory, untilJobIs } from '../support/story.js';

const REQUEST = { workerId: 'remote', queues: ['work'], limit: 5, leaseMs: 3_600_000 };
const queueOf = ({ app }: TestApplication): JobQueue => app.get(JobQueue, { strict: false });

describe('pulled claims of a limited queue', () => {
  const story = aStory();

  const allotted = async () =>
    (
      await story.database.query<{ allotted: number; sum: number }>(
        `select allotted, coalesce((select sum(n) from simple_queue.allotment), 0)::int as sum from simple_queue.fleet_limit`,
      )
    )[0];

  it('bring what the limit lets in, also where only another process has declared it', async () => {
    await story.start({ options: { worker: false, queues: { work: { fleetConcurrency: 3 } } } });
    const declaring = await story.start({ options: { queues: { work: { fleetConcurrency: 3 } } } });
    const edge = queueOf(await story.start({ options: { worker: false, pollIntervalMs: 10 } }));
    await declaring.queues.enqueueMany('work', Array.from({ length: 6 }, (_, n) => ({ payload: n }))); // prettier-ignore

    const first = await edge.claim(REQUEST);
    expect(first.jobs).toHaveLength(3);
    expect((await edge.claim(REQUEST)).jobs).toEqual([]);
    expect(await allotted()).toEqual({ allotted: 3, sum: 3 });

    await edge.complete(first.leaseId, first.jobs[0]!.id);
    const second = await edge.claim(REQUEST);
    expect(second.jobs).toHaveLength(1);
    await edge.release(second.leaseId, second.jobs[0]!.id);
    for (const { id } of first.jobs.slice(1)) await edge.fail(first.leaseId, id, 'no', { retryable: false }); // prettier-ignore

    expect(await allotted()).toEqual({ allotted: 0, sum: 0 });
    await story.clear();
  });

  it('of a strict rate bring together what may start within moments, not one job for each round trip', async () => {
    const rateOf = (limit: number) => ({ rate: { limit, perMs: 1_000, strict: true } });
    const queues = { fine: rateOf(100_000), even: rateOf(100), sparse: rateOf(1) };
    const app = await story.start({ options: { worker: false, queues } });
    const brought: number[] = [];
    for (const queue of Object.keys(queues)) {
      await app.queues.enqueueMany(
        queue,
        Array.from({ length: 50 }, (_, n) => ({ payload: n })),
      );
      const { jobs } = await queueOf(app).claim({ ...REQUEST, queues: [queue], limit: 50 });
      brought.push(jobs.length);
    }

    expect(brought).toEqual([50, 4, 1]);
  });

  it('give back what a lapsed lease held, after its jobs', async () => {
    const app = await story.start({ options: { queues: { work: { fleetConcurrency: 3 } } } });
    const { id } = await app.queues.enqueue('work', 1);
    const { leaseId, jobs } = await queueOf(app).claim({ ...REQUEST, leaseMs: 100 });
    expect(jobs.map((job) => job.id)).toEqual([id]);

    await eventually(async () => expect(await allotted()).toEqual({ allotted: 0, sum: 0 }));
    await expect(queueOf(app).complete(leaseId, id)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  });

  it('of a process that froze until its permits were free again give back what they have claimed', async () => {
    const queues = { frozen: { fleetConcurrency: 1 } };
    const [thawed, other] = [await story.start({ options: { worker: false, queues } }), await story.start({ options: { worker: false, queues } })]; // prettier-ignore
    await other.queues.enqueueMany('frozen', [{ payload: 1 }, { payload: 2 }]);
    const claim = (app: TestApplication) => queueOf(app).claim({ ...REQUEST, queues: ['frozen'] });
    const { pulls } = thawed.storage;
    const claimed = pulls.claim.bind(pulls);
    const held: string[] = [];
    pulls.claim = async (wish) => {
      if (wish.lanes.length === 0) return claimed(wish);
      pulls.claim = claimed;
      await story.database.query('update simple_queue.allotment set expires_at = now() where n > 0'); // prettier-ignore
      await other.storage.limits.freeShares();
      held.push(...(await claim(other)).jobs.map(({ id }) => id));
      return claimed(wish);
    };
    expect((await claim(thawed)).jobs).toEqual([]);
    expect(held).toHaveLength(1);
    expect(await story.database.query(`select allotted, (select sum(n) from simple_queue.allotment a where a.name = l.name)::int as sum from simple_queue.fleet_limit l where name = 'frozen'`)).toEqual([{ allotted: 1, sum: 1 }]); // prettier-ignore
    expect(await story.database.query(`select id from simple_queue.jobs where queue = 'frozen' and state = 'running'`)).toEqual([{ id: held[0] }]); // prettier-ignore
  });

  it.each([{ rate: { limit: 20, perMs: 1_000 } }, { fleetConcurrency: 2 }])(
    'have their turn beside a worker that wants all of it: %j',
    async (rule) => {
      let [jobs, isOver] = [0, false];
      const again = async () => void (++jobs && !isOver && (await app.queues.enqueue('busy', 1)));
      const providers = [aHandler('busy', again)];
      const app = await story.start({ options: { queues: { busy: rule } }, providers });
      const edge = queueOf(await story.start({ options: { worker: false, queues: { busy: rule } } })); // prettier-ignore
      await app.queues.enqueueMany('busy', Array.from({ length: 200 }, (_, n) => ({ payload: n }))); // prettier-ignore
      await eventually(() => expect(jobs).toBeGreaterThan(0));

      for (let pulled = 0; pulled < 3; pulled++)
        await eventually(async () => {
          const claimed = await edge.claim({ ...REQUEST, queues: ['busy'], limit: 1 });
          expect(claimed.jobs).toHaveLength(1);
          await edge.complete(claimed.leaseId, claimed.jobs[0]!.id);
        });
      isOver = true;
    },
  );

  it('of a paused queue take no starts of a limit that others use as well', async () => {
    const queues = { stopped: { uses: ['api'] }, going: { uses: ['api'] } };
    const limits = { api: { rate: { limit: 10, perMs: 3_600_000 } } };
    const app = await story.start({ options: { worker: false, queues, limits, pollIntervalMs: 10 } }); // prettier-ignore
    const admin = app.app.get(QueueAdmin, { strict: false });
    await app.queues.enqueue('stopped', 1);
    await queueOf(app).claim({ ...REQUEST, queues: ['none'] });
    await admin.pause('stopped');
    const lend = jest.spyOn(app.storage.limits, 'lend');
    for (let asked = 0; asked < 3; asked++)
      expect((await queueOf(app).claim({ ...REQUEST, queues: ['stopped', 'going'] })).jobs).toEqual([]); // prettier-ignore
    expect(lend).not.toHaveBeenCalled();
    await admin.resume('stopped');
    expect((await queueOf(app).claim({ ...REQUEST, queues: ['stopped'] })).jobs).toHaveLength(1);
  });

  it('give back what they claimed where nobody knows whether its permits are held, and settle what they have', async () => {
    const queues = { unsure: { fleetConcurrency: 3 } };
    const app = await story.start({ options: { worker: false, queues } });
    const claim = () => queueOf(app).claim({ ...REQUEST, queues: ['unsure'] });
    const { limits } = app.storage;
    const [keepLent, returnPermit] = [limits.keepLent.bind(limits), limits.returnPermit.bind(limits)]; // prettier-ignore
    await app.queues.enqueueMany('unsure', [{ payload: 1 }, { payload: 2 }]);

    limits.keepLent = () => Promise.reject(new Error('the line broke'));
    await expect(claim()).rejects.toThrow('the line broke');
    limits.keepLent = keepLent;
    expect(await story.database.query(`select state, stalls from simple_queue.jobs where queue = 'unsure'`)).toEqual([{ state: 'ready', stalls: 0 }, { state: 'ready', stalls: 0 }]); // prettier-ignore
    await story.database.query('update simple_queue.allotment set expires_at = now() where n > 0');
    await limits.freeShares();

    const { leaseId, jobs } = await claim();
    expect(jobs).toHaveLength(2);
    limits.returnPermit = () => Promise.reject(new Error('locked'));
    await queueOf(app).complete(leaseId, jobs[0]!.id);
    limits.returnPermit = returnPermit;
    await queueOf(app).complete(leaseId, jobs[1]!.id);
  });

  it('ask for nothing more once the rest of a queue without a limit is over', async () => {
    const app = await story.start({ options: { worker: false, pollIntervalMs: 10 } });
    await app.storage.limits.hold('rested', true, 1);
    const claim = () => queueOf(app).claim({ ...REQUEST, queues: ['rested'] });
    await app.queues.enqueue('rested', 1);
    await eventually(async () => expect((await claim()).jobs).toHaveLength(1));
    await app.queues.enqueue('rested', 2);
    const sent = recordStatements();
    await eventually(async () => expect((await claim()).jobs).toHaveLength(1));
    sent.stop();
    expect(sent.names.filter((said) => /^look_at_limit|simple_queue.allotment/.test(said))).toEqual(
      [],
    );
  });

  it('ask again for a start that was lost while they waited for that of another limit', async () => {
    const options = {
      worker: false as const,
      queues: { two: { rate: { limit: 100, perMs: 1_000 }, uses: ['slow'] } },
      limits: { slow: { rate: { limit: 1, perMs: 400 } } },
    };
    const app = await story.start({ options });
    const claim = () => queueOf(app).claim({ ...REQUEST, queues: ['two'], limit: 1 });
    await claim();
    await eventually(async () => {
      await app.queues.enqueue('two', 1);
      await story.database.query(`update simple_queue.fleet_limit set next_at = now() + interval '450 milliseconds' where name = 'slow'`); // prettier-ignore
      const sent = recordStatements();
      const { jobs } = await claim();
      sent.stop();
      expect(jobs).toHaveLength(1);
      expect(sent.names.filter((said) => /^lend|lending as/.test(said)).length).toBeGreaterThan(2);
    });
  });

  it('keep to a rate', async () => {
    const rate = { limit: 2, perMs: 3_600_000 };
    const app = await story.start({ options: { queues: { paced: { rate } } } });
    await app.queues.enqueueMany('paced', [{ payload: 1 }, { payload: 2 }, { payload: 3 }]);

    const { jobs } = await queueOf(app).claim({ ...REQUEST, queues: ['paced'] });

    expect(jobs).toHaveLength(2);
    expect((await queueOf(app).claim({ ...REQUEST, queues: ['paced'] })).jobs).toEqual([]);
  });
});

describe('pulled claims of queues that use a named limit', () => {
  const story = aStory();
  const limits = { api: { concurrency: 3, rate: { limit: 5, perMs: 3_600_000 } } };
  const queues = {
    work: { fleetConcurrency: 2, uses: ['api'] },
    more: { uses: ['api'] },
  };
  const held = () =>
    story.database.query<{ name: string; allotted: number; sum: number }>(
      `select name, allotted, coalesce((select sum(n) from simple_queue.allotment a where a.name = l.name), 0)::int as sum
      from simple_queue.fleet_limit l order by name`,
    );
  const both = (work: number, api: number) => [
    { name: 'api', allotted: api, sum: api },
    { name: 'work', allotted: work, sum: work },
  ];

  it('bring what all of their limits let in, hold a permit of each, and leave no start behind', async () => {
    const app = await story.start({ options: { worker: false, queues, limits } });
    for (const queue of ['work', 'more'])
      await app.queues.enqueueMany(queue, [1, 2, 3].map((payload) => ({ payload }))); // prettier-ignore
    const edge = queueOf(app);
    const claim = (queue: string) => edge.claim({ ...REQUEST, queues: [queue] });

    const work = await claim('work');
    expect(work.jobs).toHaveLength(2);
    const more = await claim('more');
    expect(more.jobs).toHaveLength(1);
    expect(await held()).toEqual(both(2, 3));
    expect((await claim('work')).jobs).toEqual([]);
    expect((await claim('more')).jobs).toEqual([]);
    expect(await held()).toEqual(both(2, 3));

    for (const { id } of work.jobs) await edge.complete(work.leaseId, id);
    expect(await held()).toEqual(both(0, 1));
    // Of its five starts three are used: the claims that brought nothing have given theirs back.
    expect((await claim('more')).jobs).toHaveLength(2);
    for (const { id } of more.jobs) await edge.release(more.leaseId, id);
    expect((await claim('work')).jobs).toEqual([]);
    expect(await held()).toEqual(both(0, 2));
  });

  it('obey it also where it has the name of the queue', async () => {
    const app = await story.start({ options: { worker: false, queues: { alike: { uses: ['alike'] } }, limits: { alike: { concurrency: 2 } } } }); // prettier-ignore
    await app.queues.enqueueMany('alike', [1, 2, 3].map((payload) => ({ payload }))); // prettier-ignore
    expect((await queueOf(app).claim({ ...REQUEST, queues: ['alike'] })).jobs).toHaveLength(2);
  });

  it('of a fair queue, too', async () => {
    const app = await story.start({ options: { worker: false, pollIntervalMs: 10, queues: { fairly: { uses: ['two'], fair: true } }, limits: { two: { concurrency: 2 } } } }); // prettier-ignore
    await app.queues.enqueueMany('fairly', ['a', 'b', 'a'].map((group) => ({ payload: 1, group }))); // prettier-ignore
    const jobs: string[] = [];
    await eventually(async () => {
      jobs.push(...(await queueOf(app).claim({ ...REQUEST, queues: ['fairly'] })).jobs.map(({ id }) => id)); // prettier-ignore
      expect(jobs).toHaveLength(2);
    });
    expect((await queueOf(app).claim({ ...REQUEST, queues: ['fairly'] })).jobs).toEqual([]);
  });

  it('share it with handlers, which obey it as their own', async () => {
    const gate = aGate();
    const app = await story.start({
      options: { queues: { shared: { uses: ['own'] } }, limits: { own: { concurrency: 1 } } },
      providers: [
        aHandler('sha*', async (_, { signal }) => {
          const within = () => app.app.get(QueueLimits, { strict: false }).within('own', { signal }, () => 1); // prettier-ignore
          await expect(within()).rejects.toMatchObject({ code: 'LIMIT_HELD' });
          await gate.passed;
        }),
      ],
    });
    const { id } = await app.queues.enqueue('shared', 1);
    await untilJobIs('running', app, id);
    await app.queues.enqueue('shared', 2);

    expect((await queueOf(app).claim({ ...REQUEST, queues: ['shared'] })).jobs).toEqual([]);
    gate.open();
    await untilJobIs('succeeded', app, id);
  });

  it('cannot be of a limit that nobody declares', async () => {
    const refused = story.start({ options: { queues: { work: { uses: ['apo'] } }, limits } });
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN', message: expect.stringContaining('queues.work uses "apo", and no limit has this name. Did you mean "api"?') }); // prettier-ignore
  });
});

describe('limits that cannot be', () => {
  const story = aStory();
  const refused = (options: object, ...providers: ReturnType<typeof aHandler>[]) =>
    story.start({ options, providers });

  it.each([
    [{ queues: { work: { fleetConcurrency: 0 } } }, 'queues.work.fleetConcurrency'],
    [{ queues: { work: { fleetConcurrency: -1 } } }, 'queues.work.fleetConcurrency'],
    [{ queues: { work: { fleetConcurrency: 1.5 } } }, 'queues.work.fleetConcurrency'],
    [{ queues: { work: { rate: { limit: 0, perMs: 1_000 } } } }, 'queues.work.rate.limit'],
    [{ queues: { work: { rate: { limit: 1 } } } }, 'queues.work.rate.perMs is missing'],
    [{ queues: { work: { rate: { limit: 1, perMs: 0 } } } }, 'queues.work.rate.perMs'],
    [{ limits: { api: {} } }, 'limits.api must be an object with concurrency, rate or both'],
    [{ limits: { api: { rate: { limit: 1, perMs: 1_000, strict: true, burst: 5 } } } }, 'not both'],
    [{ limits: { 'no name': { concurrency: 1 } } }, 'is not a queue name'],
    [
      { limits: { work: { concurrency: 1 } }, queues: { work: { fleetConcurrency: 2 } } },
      'limits.work has the name of a limited queue',
    ],
  ])('stop the start: %j', async (options, message) => {
    await expect(refused(options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(message),
    });
  });

  it('stop the start where a handler uses one that nobody declares', async () => {
    const handler = aHandler('work', () => undefined, { uses: ['strype'] });
    await expect(refused({ limits: { stripe: { concurrency: 1 } } }, handler)).rejects.toMatchObject({ code: 'LIMIT_UNKNOWN', message: expect.stringContaining('Did you mean "stripe"?') }); // prettier-ignore
  });

  it('are told to a process that only enqueues, and reads keys elsewhere than the workers', async () => {
    const start = (by: string, worker?: false) => story.start({ options: { queues: { keyed: { perKey: { by, concurrency: 1 } } }, worker } }); // prettier-ignore
    await start('tenant');
    const [same, other] = [await start('tenant', false), await start('account', false)];

    expect(same.seen('warning')).toEqual([]);
    expect(other.seen('warning')).toMatchObject([{ code: 'LIMIT_DIFFERS', message: expect.stringContaining('the key by "tenant", and this process declares 1 at once, the key by "account"') }]); // prettier-ignore
  });

  it('are told where processes contradict: the first word holds until nobody says it any more', async () => {
    const handler = aHandler('told', () => undefined);
    const first = await refused({ queues: { told: { fleetConcurrency: 2 } } }, handler);
    const second = await refused({ queues: { told: { fleetConcurrency: 5 } } }, handler);
    const concurrency = async () =>
      (
        await story.database.query<{ concurrency: number }>(
          `select concurrency from simple_queue.fleet_limit where name = 'told'`,
        )
      )[0]!.concurrency;

    expect(second.seen('warning')).toMatchObject([{ code: 'LIMIT_DIFFERS', message: expect.stringContaining('2 at once, and this process declares 5 at once') }]); // prettier-ignore
    expect(await concurrency()).toBe(2);

    await first.close();
    await second.close();
    const third = await refused({ queues: { told: { fleetConcurrency: 5 } } }, handler);
    expect(await concurrency()).toBe(5);
    expect(third.seen('warning')).toEqual([]);
  });
});
