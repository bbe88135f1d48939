import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EnqueueItem } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { QueueLimits } from 'nestjs-simple-queue/limits';
import { JobQueue, type PulledClaim } from 'nestjs-simple-queue/pull';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import type { JobContext } from '../../lib/job/job-context.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aGate, type Gate } from '../support/gate.js';
import { loseLeases } from '../support/story.js';
import { aDatabase } from '../support/template.js';
import { ALL_FORMS, FORMS, KINDS, Meter, OPTIONS, unitOf, type Form, type Kind, type Work } from './limit-kinds.js'; // prettier-ignore

describe('limits, crossed with what else happens to jobs', () => {
  let database: TestDatabase;
  const apps: TestApplication[] = [];
  let [gate, meter]: [Gate, Meter] = [aGate(), new Meter()];

  const aborted = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const handle =
    (kind: Kind, form: Form) =>
    async (given: Work | Work[], { signal }: JobContext) => {
      const jobs = [given].flat();
      const unit = unitOf(kind, form);
      const many = kind.ofKey ? jobs.length : 1;
      meter.count(unit, many);
      try {
        const results = jobs.map((job) => meter.resultOf(job));
        if (results.includes(undefined)) await Promise.race([gate.passed, aborted(signal)]);
        return Array.isArray(given) ? results : results[0];
      } finally {
        meter.count(unit, -many);
      }
    };
  const start = async () => {
    const providers = KINDS.flatMap((kind) =>
      ALL_FORMS.map((form) =>
        aHandler(kind.queue + form, handle(kind, form) as never, {
          ...FORMS[form],
          uses: kind.uses,
        }),
      ),
    );
    const free = aHandler('free', () => (meter.count('free', 1), gate.passed.then(() => meter.count('free', -1)))); // prettier-ignore
    const typeorm = { poolSize: 40 };
    apps.push(await anApplication(database, { options: OPTIONS, providers: [...providers, free], typeorm })); // prettier-ignore
  };

  beforeAll(async () => {
    database = await aDatabase();
    await start();
    await start();
  });
  /** A worker that has lost its lease on a busy machine runs on beside whoever took its jobs, until it notices. */
  const lapses = () => apps.flatMap((app) => app.seen('leaseLapsed')).length;
  let expectedLapses = 0;
  beforeEach(() => {
    [gate, meter] = [aGate(), new Meter()];
    expectedLapses = lapses();
  });
  afterEach(async () => {
    gate.open();
    await settled();
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await database.drop();
  });

  const of = <T>(type: abstract new (...given: never[]) => T): T => apps[0]!.app.get(type as never, { strict: false }); // prettier-ignore
  const enqueue = async (queue: string, items: Partial<EnqueueItem>[]) =>
    (
      await apps[0]!.queues.enqueueMany(
        queue,
        items.map((item) => ({ payload: { key: 'k' }, ...item })),
      )
    ).map(({ id }) => id);
  const some = (count: number, item: (n: number) => Partial<EnqueueItem> = () => ({})) =>
    Array.from({ length: count }, (_, n) => item(n));
  const jobsIn = (...states: string[]) =>
    database.query<{ id: string; queue: string }>('select id, queue from simple_queue.jobs where state = any($1)', [states]); // prettier-ignore
  const each = (work: (kind: Kind) => Promise<unknown>) => Promise.all(KINDS.map(work));
  const eight = ({ queue }: Kind) => enqueue(queue, some(8));

  const isFull = async (kind: Kind, forms: Form[] = ['']) => {
    for (const unit of new Set(forms.map((form) => unitOf(kind, form))))
      await eventually(() => expect([unit, meter.now.get(unit)]).toEqual([unit, kind.most]));
  };
  const isExplained = ({ queue, reasons }: Kind) =>
    eventually(async () => {
      const own = (await jobsIn('ready', 'blocked')).filter((job) => job.queue === queue);
      const found = await Promise.all(own.map(({ id }) => of(QueueAdmin).explain(id)));
      const codes = found.flatMap((one) => one.reasons.map(({ code }) => code as string));
      expect([queue, codes.filter((code) => reasons.includes(code)).length > 0]).toEqual([queue, true]); // prettier-ignore
    });
  /** Fills each limit, which then is full, and says so. */
  const fill = async (work: (kind: Kind) => Promise<unknown>, forms?: Form[]) => {
    await each(work);
    await each((kind) => isFull(kind, forms));
    await each(isExplained);
  };
  /** Every job has ended, no permit is held for one, none of the limits was passed. */
  const settled = async () => {
    await eventually(async () => expect(await jobsIn('ready', 'blocked', 'running', 'scheduled', 'staged')).toEqual([]), { timeoutMs: 30_000 }); // prettier-ignore
    await eventually(async () => {
      const off = `select name from simple_queue.fleet_limit l
        where allotted <> (select coalesce(sum(n), 0) from simple_queue.allotment a where a.name = l.name)`;
      expect(await database.query(off)).toEqual([]);
      expect(await database.query('select from simple_queue.permit')).toEqual([]);
    });
    expect(await database.query(CHECK_PLACES.text)).toEqual([]);
    if (lapses() > expectedLapses) return;
    for (const kind of KINDS)
      for (const form of ALL_FORMS) {
        const unit = unitOf(kind, form);
        expect([unit, Math.max(kind.most, meter.most.get(unit) ?? 0)]).toEqual([unit, kind.most]);
      }
  };

  it('hold for jobs alone, in batches, with a transaction, and of fair queues, all at once', () =>
    fill(async ({ queue }) => {
      for (const form of ALL_FORMS) await enqueue(queue + form, some(9, (n) => ({ group: `g${n % 3}` }))); // prettier-ignore
    }, ALL_FORMS));

  it('hold for what is ordered, urgent, delayed, or staged', () =>
    fill(async ({ queue }) => {
      const staged = await enqueue(
        queue,
        some(3, () => ({ staged: true })),
      );
      await enqueue(
        queue,
        some(6, (n) => ({ group: `o${n % 2}`, ordered: true })),
      );
      await enqueue(
        queue,
        some(6, (n) => ({ priority: n - 3, delayMs: n % 3 })),
      );
      for (const id of staged) await apps[0]!.queues.commit(id);
    }));

  it('hold for what fails, is put off, ends otherwise, or is told to slow down', () => {
    const does = ['fail', 'reschedule', undefined, 'end', 'slowDown'] as const;
    const item = (n: number) => ({ payload: { key: 'k', does: does[n % does.length] } });
    const forms: Form[] = ['', '-batch'];
    return fill(async ({ queue }) => {
      for (const form of forms) await enqueue(queue + form, some(15, item));
    }, forms);
  });

  it('hold where queues are paused and resumed', async () => {
    await fill(eight);
    await each(({ queue }) => of(QueueAdmin).pause(queue));
    gate.open();
    await each((kind) => eventually(() => expect(meter.now.get(unitOf(kind, ''))).toBe(0)));
    gate = aGate();
    await each(({ queue }) => of(QueueAdmin).resume(queue));
    await each(eight);
    await each((kind) => isFull(kind));
  });

  it('hold while what waits is cancelled, changed or purged, and what runs is asked to stop', async () => {
    const admin = of(QueueAdmin);
    await fill(({ queue }) =>
      enqueue(
        queue,
        some(15, (n) => ({ fingerprint: `f${n % 3}` })),
      ),
    );
    for (const { id } of await jobsIn('ready')) await admin.change(id, { delayMs: 1, priority: 3 });
    await each(({ queue }) => admin.purge({ queue, fingerprint: 'f2' }));
    await each(({ queue }) => admin.cancel({ queue, fingerprint: 'f1' }));
    for (const { id } of await jobsIn('running')) await apps[1]!.queues.cancel({ id });
    await each(eight);
    await each((kind) => isFull(kind));
  });

  it('hold for steps of workflows and ticks of schedules', async () => {
    const [schedules, payload] = [of(QueueSchedules), { key: 'k' }];
    await fill(async ({ queue }) => {
      const flow = workflow(queue)
        .step('one', queue, payload)
        .step('two', queue, payload)
        .step('three', queue, payload, { after: 'one' });
      await of(QueueWorkflows).start(flow);
      await schedules.put(queue, { cron: '@yearly', target: queue, payload, overlap: 'allow' });
      for (let n = 0; n < 4; n++) await schedules.trigger(queue);
    });
    await each(({ queue }) => schedules.remove(queue));
  });

  it('hold where the leases of all that runs are lost, and its jobs run again', async () => {
    await fill(eight);
    await loseLeases(database);
    expectedLapses += apps.length;
    await each((kind) => isFull(kind));
  });

  it('hold for remote workers beside handlers', async () => {
    const remote = of(JobQueue);
    const kinds = KINDS.filter(({ uses }) => !uses);
    const held: PulledClaim[] = [];
    const count = ({ jobs }: PulledClaim, by: number) => {
      for (const { queue } of jobs) meter.count(unitOf(kinds.find((kind) => kind.queue === queue)!, ''), by); // prettier-ignore
    };
    const pull = async () => {
      const request = {
        workerId: 'remote',
        queues: kinds.map(({ queue }) => queue),
        limit: 5,
        leaseMs: '1 h' as const,
      };
      const claimed = await remote.claim(request);
      count(claimed, 1);
      if (claimed.jobs.length > 0) held.push(claimed);
    };
    const end = async (claim: PulledClaim) => {
      count(claim, -1);
      for (const { id } of claim.jobs) await remote.complete(claim.leaseId, id);
    };
    await fill(eight);
    await pull();
    expect(held).toEqual([]);
    gate.open();
    for (let n = 0; n < 12; n++) {
      await eight(kinds[n % kinds.length]!);
      await pull();
      if (held.length > 1) await end(held.shift()!);
    }
    for (const claim of held) await end(claim);
  });

  it('hold for calls beside jobs and in a process that comes and goes, and leave nothing that others could not have', async () => {
    const limits = of(QueueLimits);
    const call = (name: string) =>
      limits.within(name, async () => {
        meter.count(name, 1);
        await gate.passed;
        meter.count(name, -1);
      });
    await fill(eight);
    await start();
    const calls = ['api', 'line', 'api', 'line', 'api'].map(call);
    await each(eight);
    gate.open();
    await apps.pop()!.close();
    await Promise.all(calls);
    await settled();
    for (const [name, weight] of [
      ['api', 2],
      ['line', 1],
    ] as const)
      // prettier-ignore
      expect(await limits.within(name, { weight }, () => name)).toBe(name);
  });

  it('hold where one is set, taken away and set again while jobs run, from when each process knows', async () => {
    const admin = of(QueueAdmin);
    const runs = (count: number) => eventually(() => expect(meter.now.get('free')).toBe(count));
    const set = async (fleetConcurrency: number) => {
      await admin.setLimit('free', { fleetConcurrency });
      const shares = `select from simple_queue.allotment where name = 'free'`;
      await eventually(async () => expect(await database.query(shares)).toHaveLength(apps.length));
    };
    await enqueue('free', some(3));
    await runs(3);
    await set(4);
    await enqueue('free', some(5));
    await runs(4);
    await admin.removeLimit('free');
    await runs(8);
    await set(2);
    const first = gate;
    gate = aGate();
    await enqueue('free', some(6));
    first.open();
    await runs(2);
    meter = new Meter();
    gate.open();
    await eventually(async () => expect(await jobsIn('ready', 'running')).toEqual([]));
    expect(meter.most.get('free') ?? 0).toBeLessThanOrEqual(2);
  });
});
