import { describe, expect, it } from '@jest/globals';
import { getToken } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { JobQueue, type JobQueueEvent } from 'nestjs-simple-queue/pull';
import { aSite } from '../support/site.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import { Reaper } from '../../lib/maintenance/reaper.js';

describe('the pull contract beside workers', () => {
  const story = aStory(PATIENT);
  const queueOf = ({ app }: TestApplication): JobQueue => app.get(JobQueue);

  it("is reaped by any worker's reaper: a job that is never answered comes back", async () => {
    await story.start();
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    const { id } = await queue.enqueue('remote', 1);
    const { leaseId } = await queue.claim({ workerId: 'silent', queues: ['remote'], leaseMs: 100 });
    await untilJobIs('ready', edge, id);
    await expect(queue.renewLease(leaseId, 1_000)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    const again = await queue.claim({ workerId: 'other', queues: ['remote'] });
    expect(again.jobs).toMatchObject([{ id, attempt: 1 }]);
    await queue.complete(again.leaseId, id);
  });

  it('brings what this process has stored for later as soon as it is due, and what is of a fair queue', async () => {
    const options = { worker: false, pollIntervalMs: 600_000, queues: { fairly: { fair: true } } } as const; // prettier-ignore
    const edge = await story.start({ options });
    const claim = async (queue: string) =>
      (await queueOf(edge).claim({ workerId: 'far', queues: [queue] })).jobs.map(({ id }) => id);
    for (const queue of ['later', 'fairly']) {
      await edge.queues.enqueue(queue, 'before');
      await claim(queue);
    }

    const later = await edge.queues.enqueue('later', 1, { delayMs: 20 });
    await eventually(async () => expect(await claim('later')).toEqual([later.id]));
    const fair = await edge.queues.enqueue('fairly', 1, { group: 'a' });
    await eventually(async () => expect(await claim('fairly')).toEqual([fair.id]));
  });

  it('is known to serve a queue between two claims, for some minutes', async () => {
    const nest = await story.start({ providers: [aHandler('other', () => undefined)] });
    const queue = queueOf(nest);
    const admin = nest.app.get(QueueAdmin);
    const codes = async () => (await admin.troubles()).map(({ code }) => code);
    const [, { id }] = [await queue.enqueue('between', 1), await queue.enqueue('between', 2)];
    expect(await codes()).toContain('NO_HANDLER');

    const { leaseId, jobs } = await queue.claim({ workerId: 'far', queues: ['between'] });
    await queue.complete(leaseId, jobs[0]!.id);
    expect(await codes()).not.toContain('NO_HANDLER');
    expect((await admin.explain(id)).reasons).toMatchObject([{ code: 'FIRST_IN_LINE' }]);

    await story.database.query(
      `update simple_queue.lane set pulled_at = pulled_at - interval '5 minutes'`,
    );
    expect(await codes()).toContain('NO_HANDLER');
    expect((await admin.explain(id)).reasons).toMatchObject([{ code: 'NO_HANDLER' }]);
    await story.clear();
  });

  it('says what it does with the jobs that it ends before it hands over the first', async () => {
    const edge = await story.start({
      options: {
        worker: false,
        queues: { remote: { archive: false, deadLetter: { keepMs: 60_000 } } },
      },
    });
    const { id } = await edge.queues.enqueue('remote', 1);
    const { jobs } = await queueOf(edge).claim({ workerId: 'far', queues: ['remote'] });
    expect(jobs).toMatchObject([{ id }]);
    const [row] = await story.database.query<{ policy: object }>(
      `select policy from simple_queue.queue where name = 'remote'`,
    );
    expect(row!.policy).toMatchObject({
      archive: null,
      deadLetter: 60_000,
      kept: { 0: expect.any(Number) },
    });
  });

  it('hands over what an earlier run has kept, with the attempts that it granted', async () => {
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    const { id } = await queue.enqueue('kept', 1, { maxAttempts: 3 });
    await story.database.query(
      `update simple_queue.job set options = options || '{"checkpoint":{"page":7},"extraAttempts":2}' where id = $1`,
      [id],
    );
    const { leaseId, jobs } = await queue.claim({ workerId: 'far', queues: ['kept'] });
    expect(jobs).toMatchObject([{ id, checkpoint: { page: 7 }, maxAttempts: 5 }]);
    await queue.complete(leaseId, id);
  });

  it('hands over a claim with a cancelled job that cannot be given up, asks for no other, and leaves those to the reaper', async () => {
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    const [stuck, next, good] = await edge.queues.enqueueMany('half', [
      { payload: 1 },
      { payload: 2 },
      { payload: 3 },
    ]);
    await story.database.query(
      'update simple_queue.job set cancel_at = now() where id in ($1, $2)',
      [stuck!.id, next!.id],
    );
    await story.database.query('create sequence public.given_up');
    await story.database.query(`create function public.refuse() returns trigger language plpgsql as
      $$ begin perform nextval('public.given_up'); raise 'not now'; end $$`);
    await story.database.query(
      'create trigger refused before insert on simple_queue.archive for each row execute function public.refuse()',
    );

    const { leaseId, jobs } = await queue.claim({ workerId: 'far', queues: ['half'], limit: 3 });

    await story.database.query('drop trigger refused on simple_queue.archive');
    expect(jobs.map(({ id }) => id)).toEqual([good!.id]);
    expect(await story.database.query('select last_value::int as n from public.given_up')).toEqual([
      { n: 1 },
    ]);
    await queue.complete(leaseId, good!.id);
    expect((await queue.renewLease(leaseId, 60_000)).cancelled.toSorted()).toEqual(
      [stuck!.id, next!.id].toSorted(),
    );
    await story.database.query(
      `update simple_queue.lease set expires_at = now() - interval '1 second' where id = $1`,
      [leaseId],
    );
    expect(await queue.reapExpiredLeases()).toMatchObject({ jobs: 2, cancelled: 2 });
  });

  it('of a fair queue says of each job how many of its group stand before it', async () => {
    const edge = await story.start({
      options: { worker: false, queues: { turns: { fair: true } } },
    });
    const admin = edge.app.get(QueueAdmin);
    const a = { group: 'a' };
    const [first, second, other] = await edge.queues.enqueueMany('turns', [{ payload: 1, ...a }, { payload: 2, ...a }, { payload: 3, group: 'b' }]); // prettier-ignore
    const [one, two, three] = await Promise.all(
      [first!, second!, other!].map(({ id }) => admin.explain(id)),
    );
    expect(two!.reasons).toContainEqual(expect.objectContaining({ code: 'JOBS_AHEAD', text: expect.stringMatching(/^1 job is before it in its group/) })); // prettier-ignore
    for (const { reasons } of [one!, three!])
      expect(reasons.map(({ code }) => code)).not.toContain('JOBS_AHEAD');
    await Promise.all([first!, second!, other!].map(({ id }) => edge.queues.cancel({ id })));
  });

  it('takes turns between queues, and of each the most urgent first, whatever its name and labels', async () => {
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    const add = (name: string, label: string, priority: number) =>
      queue.enqueue('mixed', priority, { name, labels: [label], priority });
    for (const n of [1, 2, 3]) {
      await add('a', 'x', 100 + n);
      await add('b', 'x', n);
      await add('b', 'y', -n);
      await queue.enqueue('other', 'other');
    }
    const order: unknown[] = [];
    for (let n = 0; n < 12; n++) {
      const { jobs, leaseId } = await queue.claim({ workerId: 'far', queues: ['*'], labels: ['x', 'y'], limit: 1 }); // prettier-ignore
      order.push(jobs[0]!.payload);
      await queue.complete(leaseId, jobs[0]!.id);
    }

    expect(order.filter((each) => each !== 'other')).toEqual([-3, -2, -1, 1, 2, 3, 101, 102, 103]);
    expect(order.slice(0, 6).filter((each) => each === 'other')).toHaveLength(3);
  });

  it('goes round between the names of a queue whose jobs are all as urgent, beside another queue', async () => {
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    for (let n = 0; n < 12; n++) {
      await queue.enqueue('mixed', n < 9 ? 'flood' : 'few', { name: n < 9 ? 'a' : 'b' });
      if (n < 3) await queue.enqueue('other', 'other');
    }
    const order: unknown[] = [];
    for (let n = 0; n < 15; n++) {
      const { jobs, leaseId } = await queue.claim({ workerId: 'far', queues: ['*'], limit: 1 });
      order.push(jobs[0]!.payload);
      await queue.complete(leaseId, jobs[0]!.id);
    }

    expect(order.slice(0, 9).filter((each) => each === 'few')).toHaveLength(3);
  });

  it('shares its jobs with handlers: each job runs once, here or there', async () => {
    const ran: unknown[] = [];
    const app = await story.start({
      providers: [aHandler('shared', (job) => void ran.push(job.payload))],
    });
    const queue = queueOf(app);
    await app.queues.enqueueMany(
      'shared',
      Array.from({ length: 300 }, (_, n) => ({ payload: n })),
    );
    for (;;) {
      const { leaseId, jobs } = await queue.claim({
        workerId: 'remote',
        queues: ['shared'],
        limit: 5,
      });
      if (jobs.length === 0) break;
      for (const job of jobs) {
        ran.push(job.payload);
        await queue.complete(leaseId, job.id);
      }
    }
    await app.worker.runUntilEmpty();
    expect(ran.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 300 }, (_, n) => n),
    );
  });

  it('settles a job of a lane that nobody has registered, instead of failing at it for ever', async () => {
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    for (const settle of ['complete', 'fail'] as const) {
      const { id } = await queue.enqueue('stray', 1, { maxAttempts: 1 });
      const { leaseId } = await queue.claim({ workerId: 'remote', queues: ['stray'] });
      await story.database.query('update simple_queue.job set lane = 999999 where id = $1', [id]);
      await expect(
        settle === 'complete' ? queue.complete(leaseId, id) : queue.fail(leaseId, id, 'no'),
      ).resolves.not.toThrow();
      expect(
        await story.database.query('select from simple_queue.job where id = $1', [id]),
      ).toEqual([]);
    }
  });

  it('gives nothing of a paused queue, and goes on when it is resumed', async () => {
    const edge = await story.start({ options: { worker: false } });
    const [queue, admin] = [queueOf(edge), edge.app.get(QueueAdmin)];
    const { id } = await queue.enqueue('halted', 1);
    const other = await queue.enqueue('open', 2);
    await admin.pause('halted');

    const first = await queue.claim({ workerId: 'remote', queues: ['halted', 'open'], limit: 5 });
    await admin.resume('halted');
    const second = await queue.claim({ workerId: 'remote', queues: ['halted', 'open'], limit: 5 });

    expect([first.jobs, second.jobs].map((jobs) => jobs.map((job) => job.id))).toEqual([
      [other.id],
      [id],
    ]);
    await queue.complete(first.leaseId, other.id);
    await queue.complete(second.leaseId, id);
  });

  it('tells whoever watches for later jobs, when it hands a turn to one', async () => {
    const edge = await story.start({ options: { worker: false } });
    const queue = queueOf(edge);
    const ordered = { group: 'g', ordered: true };
    const first = await queue.enqueue('line', 1, ordered);
    const next = await queue.enqueue('line', 2, { ...ordered, delayMs: 3_600_000 });
    const { leaseId } = await queue.claim({ workerId: 'far', queues: ['line'] });
    await queue.complete(leaseId, first.id);
    const signals: Signal[] = [];
    const stop = edge.storage.signals.receive((signal) => signals.push(signal));

    expect((await queue.claim({ workerId: 'far', queues: ['line'] })).jobs).toEqual([]);

    stop();
    expect(await edge.queues.find(next.id)).toMatchObject({ state: 'scheduled' });
    expect(signals).toEqual([{ lanes: [], later: true }]);
    await edge.queues.cancel({ id: next.id });
  });

  it('brings jobs of the future and failed ones back without any worker', async () => {
    const edge = await story.start({
      options: { worker: false, backoff: { type: 'constant', delayMs: 30 } },
    });
    const queue = queueOf(edge);
    const { id } = await queue.enqueue('later', 1, { delayMs: 30 });
    const claimIt = () =>
      eventually(async () => {
        const claimed = await queue.claim({ workerId: 'w', queues: ['later'] });
        expect(claimed.jobs).toHaveLength(1);
        return claimed;
      });
    const { leaseId } = await claimIt();
    expect(await queue.fail(leaseId, id, new Error('no'))).toBe('retried');
    const { leaseId: second, jobs } = await claimIt();
    expect(jobs[0]).toMatchObject({ id, attempt: 2, lastError: { message: 'no' } });
    await queue.complete(second, id);
  });

  it('brings a job at its time, however rarely claims look for what nobody told of', async () => {
    const wish = { workerId: 'w', queues: ['timely'] };
    // The first look of a process, before the job's time, which a busy machine may be too late for.
    const { queue, id } = await eventually(async () => {
      const edge = await story.start({ options: { worker: false, pollIntervalMs: 3_600_000 } });
      const queue = queueOf(edge);
      const { id } = await queue.enqueue('timely', 1, { delayMs: 200 });
      const { leaseId, jobs } = await queue.claim(wish);
      for (const job of jobs) await queue.complete(leaseId, job.id);
      expect(jobs).toEqual([]);
      return { queue, id };
    });
    const { leaseId } = await eventually(async () => {
      const claimed = await queue.claim(wish);
      expect(claimed.jobs).toMatchObject([{ id }]);
      return claimed;
    });
    await queue.complete(leaseId, id);
  });

  it('works an ordered group without any worker: turns pass on, a staged job that nobody commits expires, a dead job is told', async () => {
    const edge = await story.start({ options: { worker: false, pollIntervalMs: 20 } });
    const [queue, claimed] = [queueOf(edge), [] as string[]];
    const claimNext = () =>
      eventually(async () => {
        const { leaseId, jobs } = await queue.claim({ workerId: 'w', queues: ['steps'], limit: 5 });
        expect(jobs).toHaveLength(1);
        claimed.push(jobs[0]!.id);
        return { leaseId, id: jobs[0]!.id };
      });
    const group = { group: 'a', ordered: true };
    const ids = [];
    for (const options of [{}, {}, { staged: true }, { maxAttempts: 1 }])
      ids.push((await queue.enqueue('steps', 1, { ...group, ...options })).id);
    await story.database.query(
      `update simple_queue.job set commit_by = now() + interval '50 ms' where id = $1`,
      [ids[2]],
    );

    for (let n = 0; n < 2; n++) {
      const { leaseId, id } = await claimNext();
      await queue.complete(leaseId, id);
    }
    const last = await claimNext();
    expect(await queue.fail(last.leaseId, last.id, new Error('no'))).toBe('failed');

    expect(claimed).toEqual([ids[0], ids[1], ids[3]]);
    expect(await edge.queues.find(ids[2]!)).toMatchObject({ state: 'expired' });
    expect(edge.seen('warning')).toMatchObject([
      { code: 'GROUP_BLOCKED', message: expect.stringContaining(last.id) },
    ]);
  });

  it('serves the groups of a fair queue in turn, beside plain queues, and nothing of it while it is paused', async () => {
    const edge = await story.start({
      options: { worker: false, pollIntervalMs: 10, queues: { exports: { fair: true } } },
    });
    const [queue, admin] = [queueOf(edge), edge.app.get(QueueAdmin)];
    const of = (group: string, count: number) =>
      Array.from({ length: count }, () => ({ payload: group, group }));
    await edge.queues.enqueueMany('exports', [...of('a', 30), ...of('b', 3), ...of('c', 1)]);
    await edge.queues.enqueueMany('plain', of('plain', 12));
    await admin.pause('exports');
    const claims: unknown[][] = [];
    const work = async (limit: number) => {
      const { leaseId, jobs } = await queue.claim({ workerId: 'w', queues: ['*'], limit });
      if (jobs.length > 0) claims.push(jobs.map((job) => job.payload).toSorted());
      for (const job of jobs) await queue.complete(leaseId, job.id);
      return jobs.length;
    };
    const untilEmpty = (left: number) =>
      eventually(async () => {
        left -= await work(6);
        expect(left).toBe(0);
      });

    await untilEmpty(12);
    expect(claims.flat()).toEqual(Array.from({ length: 12 }, () => 'plain'));

    claims.length = 0;
    await edge.queues.enqueueMany('plain', of('plain', 12));
    await admin.resume('exports');
    await untilEmpty(46);

    const fair = claims.filter((claim) => claim[0] !== 'plain');
    expect(fair[0]).toEqual(['a', 'a', 'b', 'b', 'c']);
    expect(fair[1]).toEqual(['a', 'a', 'a', 'b']);
    expect(claims.findLastIndex((claim) => claim[0] === 'plain')).toBeLessThan(claims.length - 2);
  });

  it.each([{ fair: false }, { fair: true }])(
    'lets lanes with a backlog take turns, however many idle ones stand between them: %p',
    async ({ fair }) => {
      const names = Array.from({ length: 12 }, (_, n) => `lane${n}`);
      const queues = { lane1: { fair }, lane2: { fair } };
      const edge = await story.start({ options: { worker: false, pollIntervalMs: 10, queues } });
      const queue = queueOf(edge);
      const work = async () => {
        const { leaseId, jobs } = await queue.claim({ workerId: 'w', queues: ['lane*'] });
        for (const job of jobs) await queue.complete(leaseId, job.id);
        return jobs.map((job) => job.queue);
      };
      for (const name of names) await edge.queues.enqueue(name, 1);
      for (let left = names.length; left > 0;) left -= (await work()).length;

      const backlogs = ['lane0', 'lane1', 'lane2'];
      for (const name of backlogs)
        await edge.queues.enqueueMany(
          name,
          Array.from({ length: 6 }, (_, n) => ({ payload: n })),
        );
      const served: string[] = [];
      await eventually(async () => {
        served.push(...(await work()));
        expect(served).toHaveLength(18);
      });
      for (let n = 6; n < 12; n += 3) expect(served.slice(n, n + 3).toSorted()).toEqual(backlogs);
    },
  );

  it('meets lanes that another process made', async () => {
    const [here, there] = [
      await story.start({ options: { worker: false } }),
      await story.start({ options: { worker: false } }),
    ];
    await queueOf(here).claim({ workerId: 'w', queues: ['*'] });
    const { id } = await queueOf(there).enqueue('brand-new', 1, { labels: ['arm'] });
    await eventually(async () => {
      const { leaseId, jobs } = await queueOf(here).claim({
        workerId: 'w',
        queues: ['brand-*'],
        labels: ['arm'],
      });
      expect(jobs.map((job) => job.id)).toEqual([id]);
      await queueOf(here).complete(leaseId, id);
    });
  });

  it('is told to the listeners of this process, as handlers are', async () => {
    const edge = await story.start({ options: { worker: false, maxAttempts: 1 } });
    const queue = queueOf(edge);
    const settle = async (
      payload: string,
      end: (leaseId: string, id: string) => Promise<unknown>,
    ) => {
      const { id } = await queue.enqueue('told', payload);
      const { leaseId } = await queue.claim({ workerId: 'w', queues: ['told'] });
      await end(leaseId, id);
    };
    await settle('good', (leaseId, id) => queue.complete(leaseId, id, 7));
    await settle('bad', (leaseId, id) => queue.fail(leaseId, id, 'broken'));
    await settle('cancelled', async (leaseId, id) => {
      await queue.cancel(id);
      await queue.release(leaseId, id);
    });
    expect(edge.seen('started')).toHaveLength(3);
    expect(edge.seen('succeeded')).toMatchObject([{ queue: 'told', attempt: 1, output: 7 }]);
    expect(edge.seen('failed')).toMatchObject([{ state: 'failed', error: { message: 'broken' } }]);
    expect(edge.seen('cancelled')).toMatchObject([{ reason: 'cancelled while it ran' }]);
  });

  it('has a token for each instance of the module', () => {
    expect(getToken(JobQueue)).toBe(JobQueue);
    expect(getToken(JobQueue, 'second')).toBe('secondJobQueue');
  });
});

describe('a subscription', () => {
  const story = aStory(PATIENT);

  it('hears other processes, and hears them again after its connection was lost: a listener recovers', async () => {
    const here = await story.start({ options: { worker: false } });
    const there = await story.start({ options: { worker: false } });
    const heard: JobQueueEvent[] = [];
    const stop = here.app.get<JobQueue>(JobQueue).subscribe((event) => heard.push(event));
    const hearsAnEnqueue = () =>
      eventually(async () => {
        heard.length = 0;
        await there.queues.enqueue('far', 1);
        await eventually(() => heard.some(({ type }) => type === 'wakeUp'), { timeoutMs: 500 });
      });
    await hearsAnEnqueue();

    const listening = `from pg_stat_activity where datname = current_database() and query ilike 'listen %'`;
    const [before] = await story.database.query<{ pid: number }>(
      `select pid, pg_terminate_backend(pid) ${listening}`,
    );
    await eventually(async () => {
      const [now] = await story.database.query<{ pid: number }>(`select pid ${listening}`);
      expect(now!.pid).not.toBe(before!.pid);
    });
    await hearsAnEnqueue();

    stop();
    await eventually(async () =>
      expect(await story.database.query(`select ${listening}`)).toEqual([]),
    );
  });

  it("hears of a reap: of the lease in the reaper's process, and everywhere that there is something to claim", async () => {
    const edge = await story.start({ options: { worker: false, wakeUp: 'listen' } });
    const queue = edge.app.get<JobQueue>(JobQueue);
    const { id } = await queue.enqueue('silent', 1);
    const { leaseId } = await queue.claim({ workerId: 'far', queues: ['silent'], leaseMs: 60_000 });
    const [here, there]: JobQueueEvent[][] = [[], []];
    const worker = await story.start();
    const stops = [
      worker.app.get<JobQueue>(JobQueue).subscribe((event) => here!.push(event)),
      queue.subscribe((event) => there!.push(event)),
    ];
    await eventually(() =>
      expect(edge.storage.signals.listening).toMatchObject({ isListening: true }),
    );
    await eventually(() => expect(there).toContainEqual({ type: 'wakeUp' }));
    there!.length = 0;
    await story.database.query(
      `update simple_queue.lease set expires_at = now() - interval '1 second' where id = $1`,
      [leaseId],
    );

    await new Reaper(aSite(worker)).reap();

    await eventually(() => expect(there).toContainEqual({ type: 'wakeUp' }));
    await eventually(() => expect(here).toContainEqual({ type: 'leaseExpired', leaseId, worker: 'far', jobs: [id] })); // prettier-ignore
    stops.forEach((stop) => stop());
    await edge.queues.cancel({ id });
  });

  it('that ends leaves the worker of its process listening', async () => {
    const app = await story.start();
    app.app.get<JobQueue>(JobQueue).subscribe(() => undefined)();
    const listening = `select from pg_stat_activity where datname = current_database() and query ilike 'listen %'`;
    await eventually(async () => expect(await story.database.query(listening)).toHaveLength(1));
    await app.worker.stop();
    await eventually(async () => expect(await story.database.query(listening)).toEqual([]));
  });
});
