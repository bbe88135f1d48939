import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { Enqueued, EnqueueOptions } from '../../lib/job/enqueue-options.js';
import type { JobContext } from '../../lib/job/job-context.js';
import { openTelemetry } from '../../lib/opentelemetry/opentelemetry.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { Queue } from '../../lib/queue.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { tableUnder } from '../docs/documents.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TestTelemetry } from '../support/telemetry.js';
import { aDatabase } from '../support/template.js';

const GUIDE = tableUnder('docs/operate/bad-days.md', 'What goes to the disk');
const PERIOD = { periodMs: 60_000 };
const HOUR_MS = 3_600_000;

/** The table of the guide, row by row: one application, one outage. */
describe('the spool, by each way in', () => {
  let database: TestDatabase;
  let folder: string;
  let proxy: TcpProxy;
  let test: TestApplication;
  const sdk = new TestTelemetry();
  const [running, leave] = [aGate(), aGate()];
  let context: JobContext;
  /** What each row did, by its first cell. */
  const done = new Map<string, unknown>();
  const stored = new Map<string, Record<string, unknown>>();
  let gauges: [string, unknown][];

  const enqueue = (payload: string, options: EnqueueOptions = {}, queue = 'kept') =>
    test.queues.enqueue(queue, payload, options);
  const injected = <T>(token: abstract new (...args: never[]) => T): T =>
    test.app.get(token, { strict: false });
  const all = (...calls: Promise<unknown>[]) => Promise.all(calls);
  const none = (...calls: Promise<unknown>[]) =>
    all(...calls.map((call) => call.then(() => 'stored', () => 'failed'))); // prettier-ignore
  const inTransaction = () =>
    test.dataSource.transaction(async (manager) => {
      await manager.query('select 1');
      proxy.stop();
      await enqueue('manager', { manager });
    });

  const ROWS: Record<string, () => Promise<unknown>> = {
    'enqueue of a queue, a template or a Queue': () =>
      all(
        enqueue('plain'),
        test.queues.enqueue(defineJob({ queue: 'kept', name: 'welcome' }), 'template'),
        new Queue(test.queues, 'kept').enqueue('typed'),
      ),
    'context.enqueue of a handler': () => context.enqueue('kept', 'by a handler'),
    'JobQueue.enqueue': () => injected(JobQueue).enqueue('kept', 'pulled'),
    enqueueMany: () => test.queues.enqueueMany('kept', [{ payload: 'one' }, { payload: 'two' }]),
    'priority, labels, headers, payloadBytes, fingerprint, workflowId': () =>
      enqueue('facts', {
        ...{ priority: 7, labels: ['eu'], headers: { h: '1' }, fingerprint: 'f' },
        ...{ workflowId: 'wf', payloadBytes: Buffer.from([0, 255]) },
      }),
    'delayMs, runAt': () =>
      all(enqueue('delayed', { delayMs: HOUR_MS }), enqueue('at', { runAt: new Date(Date.now() + HOUR_MS) })), // prettier-ignore
    uniqueKey: () => all(enqueue('key', { uniqueKey: 'k' }), enqueue('key again', { uniqueKey: 'k' })), // prettier-ignore
    'onConflict: replace, debounce, throttle': async () => [
      await enqueue('replaced', { uniqueKey: 'r', onConflict: 'replace' }),
      await enqueue('replacing', { uniqueKey: 'r', onConflict: 'replace' }),
      await enqueue('early', { uniqueKey: 'd', onConflict: 'debounce', ...PERIOD }),
      await enqueue('late', { uniqueKey: 'd', onConflict: 'debounce', ...PERIOD }),
      await enqueue('first', { uniqueKey: 't', onConflict: 'throttle', ...PERIOD }),
      await enqueue('second', { uniqueKey: 't', onConflict: 'throttle', ...PERIOD }),
    ],
    'groups, ordered, fair': async () => [
      await enqueue('group 1', { group: 'g', ordered: true }),
      await enqueue('group 2', { group: 'g', ordered: true }),
      await enqueue('line 1', {}, 'line'),
      await enqueue('line 2', {}, 'line'),
      await enqueue('fair', { group: 'tenant' }, 'fair'),
    ],
    'limits: uses, perKey': () => test.queues.enqueue('limited', { key: 'a', text: 'limited' }),
    maxPending: () => enqueue('counted', { maxPending: 1_000 }),
    'with manager, or in an ambient transaction': () => none(inTransaction()),
    enqueueAndWait: () => none(test.queues.enqueueAndWait('kept', 'waited for')),
    'staged: true, dependsOn': () =>
      none(
        enqueue('staged', { staged: true }),
        enqueue('dependent', { dependsOn: [randomUUID()] }),
      ),
    '[QueueWorkflows.start](../learn/workflows.md)': () =>
      none(injected(QueueWorkflows).start(workflow('w').step('a', 'kept', 'step'))),
    '[schedules](../learn/schedules.md): put, trigger, backfill': () => {
      const schedules = injected(QueueSchedules);
      const span = { from: new Date(Date.now() - HOUR_MS), to: new Date() };
      return none(
        schedules.put('s', { target: 'kept', everyMs: '1 h' }),
        schedules.trigger('s'),
        schedules.backfill('s', span),
      );
    },
    'commit, cancel, change, find, wait': () => {
      const { queues } = test;
      const id = '01890000-0000-7000-8000-000000000000';
      return none(
        ...[queues.commit(id), queues.cancel({ id }), queues.change(id, { priority: 1 })],
        ...[queues.find(id), queues.wait(id, { timeoutMs: 100 })],
      );
    },
    'claims of [remote workers](../learn/remote-workers.md)': () =>
      none(injected(JobQueue).claim({ workerId: 'w', queues: ['kept'], leaseMs: 60_000, limit: 1 })), // prettier-ignore
    '[SQL producers](../learn/sql-producers.md)': () =>
      none(test.dataSource.query(`select simple_queue.enqueue('kept', '"sql"')`)),
    'the command enqueue': async () => {
      const argv = ['enqueue', 'kept', '"cli"'];
      expect((await cli(argv, { env: { DATABASE_URL: proxy.url } })).code).not.toBe(0);
      return 'failed';
    },
  };

  beforeAll(async () => {
    database = await aDatabase();
    folder = await mkdtemp(join(tmpdir(), 'spool-'));
    proxy = await TcpProxy.start(database.url);
    const handler = aHandler('held', async (_job, given) => {
      context = given;
      running.open();
      await leave.passed;
    });
    const limited = aHandler('limited', () => undefined, { uses: ['api'] });
    test = await anApplication(database, {
      options: {
        ...{ wakeUp: 'off', spool: { folder } },
        telemetry: openTelemetry({ meterProvider: sdk.meterProvider, depthMs: 0 }),
        limits: { api: { concurrency: 1 } },
        queues: { line: { ordered: true }, fair: { fair: true }, limited: { perKey: { by: 'payload.key', concurrency: 1 } } }, // prettier-ignore
      },
      providers: [handler, limited],
      typeorm: { url: proxy.url, extra: { connectionTimeoutMillis: 2_000 } } as never,
    });
    await enqueue('held', {}, 'held');
    await running.passed;
    const first = 'with manager, or in an ambient transaction';
    done.set(first, await ROWS[first]!());
    for (const way of Object.keys(ROWS).filter((each) => each !== first))
      done.set(way, await ROWS[way]!());
    gauges = (await sdk.scrape())
      .filter(({ name }) => name.startsWith('simple_queue.spool.'))
      .map(({ name, value }) => [name, value]);
    await proxy.pass();
    await eventually(() => test.storage.spool!.isEmpty, { timeoutMs: 30_000 });
    leave.open();
    const rows = await database.query<{ payload: unknown } & Record<string, unknown>>(
      `select * from simple_queue.jobs`,
    );
    for (const row of rows)
      stored.set(typeof row.payload === 'string' ? row.payload : JSON.stringify(row.payload), row);
  });
  afterAll(async () => {
    await test.close();
    proxy.stop();
    await database.drop();
    await sdk.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has no other ways than those in the guide', () => {
    expect(GUIDE.map(([way]) => way).sort()).toEqual(Object.keys(ROWS).sort());
  });

  it.each(GUIDE.map(([way, what]) => [way!, what!]))('%s: %s', (way, what) => {
    const answers = [done.get(way)].flat(2);
    expect(answers.length).toBeGreaterThan(0);
    if (what === 'spooled')
      expect(new Set(answers.map((answer) => (answer as Enqueued).outcome))).toEqual(new Set([what])); // prettier-ignore
    else expect(new Set(answers)).toEqual(new Set(['failed']));
    expect(['spooled', 'fails']).toContain(what);
  });

  it('stores what was spooled, and nothing that failed', async () => {
    const wanted = ['plain', 'template', 'typed', 'by a handler', 'pulled', 'one', 'two', 'facts', 'delayed', 'at', 'key', 'replacing', 'late', 'first', 'group 1', 'group 2', 'line 1', 'line 2', 'fair', 'counted']; // prettier-ignore
    const kept = [...stored.keys()].filter((payload) => !['held'].includes(payload) && !payload.startsWith('{')); // prettier-ignore
    expect(kept.sort()).toEqual(wanted.sort());
    const facts = { priority: 7, labels: ['eu'], workflowId: 'wf', fingerprint: 'f' };
    expect(await test.queues.find(String(stored.get('facts')!.id))).toMatchObject(facts);
    for (const payload of ['delayed', 'at'])
      expect(stored.get(payload)!.run_at).toEqual(expect.any(Date));
    expect(stored.get('template')).toMatchObject({ name: 'welcome' });
    expect([...stored.keys()].filter((payload) => payload.includes('limited'))).toHaveLength(1);
  });

  it('counts what is on the disk in the metrics, and nothing when it is over', async () => {
    const counted = Object.fromEntries(gauges);
    expect(counted).toMatchObject({ 'simple_queue.spool.jobs': 25, 'simple_queue.spool.aside': 0 });
    expect(counted['simple_queue.spool.size']).toBeGreaterThan(1_000);
    const now = (await sdk.scrape()).filter(({ name }) => name.startsWith('simple_queue.spool.'));
    expect(now.map(({ value }) => value)).toEqual([0, 0, 0]);
  });
});
