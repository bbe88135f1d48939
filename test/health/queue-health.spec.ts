import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueHealth, type HealthAnswer } from '../../lib/health/queue-health.js';
import { getSimpleQueueOptionsToken } from '../../lib/module/tokens.js';
import { aHandler, anApplication, QUICK, type TestApplication } from '../support/application.js';
import { insideOf } from '../support/beat.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { Rows } from '../support/rows.js';
import { Rival } from '../support/storage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

let database: TestDatabase;
let proxy: TcpProxy;
let listenProxy: TcpProxy;
let application: TestApplication;
let health: QueueHealth;

beforeAll(async () => {
  database = await aDatabase();
  proxy = await TcpProxy.start(database.url);
  listenProxy = await TcpProxy.start(database.url);
  application = await anApplication(database, {
    typeorm: { url: proxy.url } as never,
    options: { listenUrl: listenProxy.url },
    providers: [aHandler('mail', () => 'sent')],
  });
  health = application.app.get(QueueHealth, { strict: false });
});

afterAll(async () => {
  await proxy.pass();
  await listenProxy.pass();
  await application.close();
  proxy.stop();
  listenProxy.stop();
  await database.drop();
});

/** One that has asked nothing yet: its answers are a second old at most, and no test waits for that second. */
const fresh = () =>
  new QueueHealth(
    application.storage,
    application.app.get(getSimpleQueueOptionsToken(), { strict: false }),
    application.worker,
  );

const allUp = () =>
  eventually(async () => {
    const health = fresh();
    const answers = [
      await health.isAlive('queue'),
      await health.isReady('queue'),
      await health.isHealthy('queue'),
    ];
    expect(answers.map(({ queue }) => queue.problems ?? [])).toEqual([[], [], []]);
    return answers.map(({ queue }) => queue);
  });

/** An answer of one moment says little on a busy machine: the database has a second to reply. */
const isUp = (ask: (health: QueueHealth) => Promise<HealthAnswer<'queue'>>) =>
  eventually(async () => expect((await ask(fresh())).queue.problems).toBeUndefined());

describe('the health of a queue', () => {
  it('is what the health check of terminus takes', async () => {
    const module = await Test.createTestingModule({ imports: [TerminusModule] }).compile();
    module.useLogger(false);
    const terminus = module.get(HealthCheckService);
    await eventually(async () => {
      const { status, details } = await terminus.check([() => fresh().isHealthy('queue')]);
      expect(status).toBe('ok');
      expect(details.queue).toEqual({
        status: 'up',
        worker: 'running',
        listening: true,
        pollSilentMs: expect.any(Number),
        leaseSilentMs: expect.any(Number),
        deadLetters: 0,
        blockedGroups: 0,
        troubles: expect.any(Array),
      });
    });
    const failing = terminus.check([() => health.isReady('queue', { pollSilentMs: 0 })]);
    await expect(failing).rejects.toMatchObject({
      status: 503,
      response: { error: { queue: { status: 'down' } } },
    });
    await module.close();
  });

  it('tells of a job that is ready for too long, but not of one in a paused queue or another queue', async () => {
    const admin = application.app.get(QueueAdmin, { strict: false });
    await new Rows(database).job({ queue: 'reports', due: '-10 minutes' });
    await eventually(async () => {
      const { queue } = await fresh().isHealthy('queue');
      expect(queue.problems).toEqual([
        expect.stringMatching(/^Queue "reports" has a job that is ready for 6\d\d\.\d s\.$/),
      ]);
      expect(queue.oldestReadyMs).toBeGreaterThan(590_000);
    });
    await isUp((one) => one.isHealthy('queue', { queues: ['mail', 'sms.*'] }));
    await isUp((one) => one.isHealthy('queue', { oldestReadyMs: false }));
    await isUp((one) => one.isReady('queue'));
    await admin.pause('reports');
    await allUp();
  });

  it('tells when many jobs end badly', async () => {
    // What it counts from.
    await eventually(async () =>
      expect((await health.isHealthy('queue')).queue.deadLetters).toBe(0),
    );
    const { id } = await new Rows(database).lane('mail');
    // The server counts what a connection wrote seconds later, or at once when it closes.
    const dying = await Rival.connect(database);
    await dying.query(
      `insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       select gen_random_uuid(), 0, 'failed', $1, 0, 1, 0, 0, now(), now(), now(), now() + interval '30 days' from generate_series(1, 5)`,
      [id],
    );
    await dying.close();
    await eventually(async () => {
      const { queue } = await health.isHealthy('queue', { maxDeadLetters: 4 });
      expect(queue.problems).toEqual(['5 jobs have failed for good within five minutes.']);
    });
    await eventually(async () => {
      const { queue } = await health.isHealthy('queue', { maxDeadLetters: 5 });
      expect(queue).toMatchObject({ status: 'up', deadLetters: 5 });
    });
  });

  it('tells when the listener is away, which does not stop the work', async () => {
    listenProxy.refuse();
    listenProxy.reset();
    await eventually(async () => {
      const { queue } = await health.isHealthy('queue', { listenerSilentMs: 0 });
      expect(queue.listening).toBe(false);
      expect(queue.problems).toEqual([expect.stringMatching(/^Nothing listens for wake-ups/)]);
    });
    await isUp((one) => one.isHealthy('queue'));
    await isUp((one) => one.isReady('queue'));
    await listenProxy.pass();
  });

  it('is not ready while polling fails, and alive all the same', async () => {
    await database.query('alter table simple_queue.ready rename to ready_away');
    await eventually(async () => {
      const { queue } = await fresh().isReady('queue', { pollSilentMs: 500 });
      expect(queue.problems).toEqual([expect.stringMatching(/^No poll has gone well for/)]);
    });
    await eventually(async () => {
      const { queue } = await fresh().isHealthy('queue');
      expect(queue.problems).toEqual([
        'The database could not be asked: DATABASE_ERROR (SQLSTATE 42P01).',
      ]);
    });
    expect((await fresh().isAlive('queue')).queue.status).toBe('up');
    await database.query('alter table simple_queue.ready_away rename to ready');
    await allUp();
  });

  it('stays unready while each poll fails, whatever becomes of the lease, and says why it knows no troubles', async () => {
    await database.query('alter table simple_queue.claim rename to claim_away');
    const { crew, loops } = insideOf(application);
    const silentMs = () => insideOf(application).crew.poller.failures.silentMs;
    await eventually(() => expect(silentMs()).toBeGreaterThan(1_000));
    // It cannot be renewed either, and another one can be taken.
    await loops.beat!.stop();
    crew.heartbeat['lost'] = true;
    await eventually(() => expect(loops.poll!.failed.rounds).toBe(0));
    const { queue } = await fresh().isReady('queue', { pollSilentMs: 1_000 });
    expect(queue.problems).toEqual([expect.stringMatching(/^No poll has gone well for/)]);
    loops.beat!.start();
    await eventually(async () => {
      const { queue } = await fresh().isHealthy('queue');
      expect(queue).not.toHaveProperty('troubles');
      expect(queue.troublesUnread).toBe(
        'The database could not be asked: DATABASE_ERROR (SQLSTATE 42P01).',
      );
    });
    await database.query('alter table simple_queue.claim_away rename to claim');
    await allUp();
  });

  it('names the loops that fail again and again, until a round goes well, and stays up for them', async () => {
    await database.query('alter table simple_queue.scheduled rename column run_at to run_away');
    await eventually(async () => {
      const { queue } = await fresh().isAlive('queue');
      expect(queue.status).toBe('up');
      expect(queue.failingLoops).toContainEqual({
        loop: 'promote',
        rounds: expect.any(Number),
        silentMs: expect.any(Number),
        error: 'DATABASE_ERROR (SQLSTATE 42703)',
      });
    });
    await database.query('alter table simple_queue.scheduled rename column run_away to run_at');
    await eventually(async () => {
      expect((await fresh().isAlive('queue')).queue).not.toHaveProperty('failingLoops');
    });
    await allUp();
  });

  it('is not ready while the lease cannot be renewed', async () => {
    const rival = await Rival.connect(database);
    await rival.begin();
    await rival.query('lock table simple_queue.lease in access exclusive mode');
    await eventually(async () => {
      const { queue } = await fresh().isReady('queue', { pollSilentMs: 60_000 });
      expect(queue.problems).toEqual([expect.stringMatching(/^The lease could not be renewed/)]);
    });
    await rival.close();
    await allUp();
  });

  it('answers in its time when the database is silent: not ready, alive', async () => {
    await allUp();
    await eventually(async () => {
      // Each time: what was opened since replies.
      proxy.blackHole();
      const asked = performance.now();
      const { queue } = await fresh().isReady('queue', { timeoutMs: 50, pollSilentMs: 60_000 });
      const took = performance.now() - asked;
      expect(queue.problems).toContainEqual('The database did not answer within 50 ms.');
      // Far below the time limit of any statement: it did not wait for the database.
      expect(took).toBeLessThan(Number(QUICK.queryTimeoutMs) / 2);
      expect((await health.isAlive('queue')).queue.status).toBe('up');
    });
    await allUp();
  });

  it('refuses limits that mean nothing', async () => {
    const wrong = { oldestReadyMs: -1, queues: ['a b'], timeout: 5 } as never;
    await expect(health.isHealthy('queue', wrong)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(
        /oldestReadyMs.*queues\[0\].*timeout is not known \(did you mean "timeoutMs"\?\)/,
      ),
    });
    await expect(health.isAlive('queue', 7 as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('is alive unless a loop is stuck, which only a restart mends', async () => {
    const pulse = { pollSilentMs: 1, leaseSilentMs: 1, turningMs: 130_000, failing: [] };
    // On a busy machine the tests' own timeout is long, and ten of them may be longer than this.
    const options = { ...QUICK, queryTimeoutMs: 1_000 } as never;
    const stuck = new QueueHealth(application.storage, options, { state: 'running', pulse });
    expect((await stuck.isAlive('queue')).queue).toMatchObject({
      status: 'down',
      problems: ['A loop has been stuck for 130.0 s.'],
    });
    expect((await stuck.isAlive('queue', { stuckMs: 200_000 })).queue.status).toBe('up');
  });
});

it('is ready without a worker where the process only enqueues, or starts it later', async () => {
  const [web, late] = await Promise.all([
    anApplication(database, { options: { worker: false } }),
    anApplication(database, { options: { worker: { autoStart: false } } }),
  ]);
  const ready = ({ app }: TestApplication) =>
    app.get(QueueHealth, { strict: false }).isReady('queue');
  for (const [application, worker] of [
    [web, 'disabled'],
    [late, 'stopped'],
  ] as const)
    // prettier-ignore
    await eventually(async () =>
      expect((await ready(application)).queue).toEqual({ status: 'up', worker }),
    );
  await late.close();
  await web.close();
});

it('is not ready from the first moment of a shutdown, and alive to its end', async () => {
  const stopping = await anApplication(database);
  const own = stopping.app.get(QueueHealth, { strict: false });
  await eventually(async () => expect((await own.isReady('queue')).queue.status).toBe('up'));
  stopping.worker.onModuleDestroy();
  expect((await own.isReady('queue')).queue).toMatchObject({
    status: 'down',
    problems: expect.arrayContaining(['The worker is stopping.']),
  });
  expect((await own.isAlive('queue')).queue.status).toBe('up');
  await stopping.close();
});
