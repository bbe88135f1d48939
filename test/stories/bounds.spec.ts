import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { QueueLimits } from 'nestjs-simple-queue/limits';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { QueueHealth } from '../../lib/health/queue-health.js';
import { Queue } from '../../lib/queue.js';
import { read } from '../docs/documents.js';
import { anApplication, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { never } from '../support/gate.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { aDatabase } from '../support/template.js';

interface Bound {
  timeoutMs?: number;
  signal?: AbortSignal;
}
interface Row {
  call: (bound: Bound) => Promise<unknown>;
  /** How it ends when the time is over; `aborted`: when the signal has aborted. */
  late: object;
  aborted?: object;
}

/** Ends behind the batch that is under way: what it has changed is counted. */
const IN_BATCHES = ['QueueAdmin.cancel', 'QueueAdmin.purge', 'QueueAdmin.redrive'];
/** Longer than any test: whoever waits for a statement waits in vain. */
const LONG_MS = 600_000;

describe('with a database that has fallen silent', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let app: TestApplication;
  let [job, flow] = ['', ''];
  const of = <Part>(part: abstract new (...args: never) => Part): Part =>
    app.app.get(part as never, { strict: false });
  const code = (of: string) => ({ code: of });
  const GONE = new Error('gone');

  const waits = { late: code('WAIT_TIMEOUT'), aborted: { ...code('WAIT_ABORTED'), cause: GONE } };
  const stores = (what: string) => ({ ...waits, late: { ...code('DATABASE_UNAVAILABLE'), message: expect.stringContaining(what) } }); // prettier-ignore
  const down = (key: string) => ({ [key]: { status: 'down' } });

  const ROWS: Record<string, Row> = {
    'QueueService.wait': { ...waits, call: (bound) => app.queues.wait(job, bound) },
    'QueueService.enqueueAndWait': { ...stores('is stored is unknown'), call: (bound) => app.queues.enqueueAndWait('silent', 1, bound) }, // prettier-ignore
    'Queue.wait': { ...waits, call: (bound) => new Queue(app.queues, 'silent').wait(job, bound) },
    'Queue.enqueueAndWait': { ...stores('Nothing was enqueued'), call: (bound) => new Queue(app.queues, 'of-a-new-lane').enqueueAndWait(1, bound) }, // prettier-ignore
    'QueueWorkflows.wait': { ...waits, call: (bound) => of(QueueWorkflows).wait(flow, bound) },
    'QueueLimits.within': { late: code('LIMIT_TIMEOUT'), aborted: GONE, call: (bound) => of(QueueLimits).within('api', bound, never) }, // prettier-ignore
    'QueueWorker.runUntilEmpty': { late: code('RUN_TIMEOUT'), call: (bound) => app.worker.runUntilEmpty(bound) }, // prettier-ignore
    'QueueDoctor.examine': { late: [{ code: 'DATABASE' }], call: (bound) => of(QueueDoctor).examine(bound) }, // prettier-ignore
    'QueueHealth.isAlive': { late: { db: { worker: 'running' } }, call: (bound) => of(QueueHealth).isAlive('db', bound) }, // prettier-ignore
    'QueueHealth.isReady': { late: down('db'), call: (bound) => of(QueueHealth).isReady('db', bound) }, // prettier-ignore
    'QueueHealth.isHealthy': { late: down('db'), call: (bound) => of(QueueHealth).isHealthy('db', bound) }, // prettier-ignore
  };

  beforeAll(async () => {
    database = await aDatabase();
    proxy = await TcpProxy.start(database.url);
    app = await anApplication(database, {
      options: {
        queryTimeoutMs: LONG_MS,
        leaseMs: 3 * LONG_MS,
        limits: { api: { concurrency: 1 } },
      },
      typeorm: { url: proxy.url } as never,
    });
    await of(QueueLimits).within('api', () => undefined);
    job = (await app.queues.enqueue('silent', 0)).id;
    flow = (await of(QueueWorkflows).start(workflow('w').step('s', 'silent', 0))).id;
    proxy.narrow(0);
  });

  afterAll(async () => {
    await proxy.pass();
    proxy.reset();
    await app.close();
    proxy.stop();
    await database.drop();
  });

  it.each(Object.keys(ROWS))('%s ends when its time is over', async (name) => {
    const { call, late } = ROWS[name]!;
    const end = await call({ timeoutMs: 100 }).catch((error: unknown) => error);
    expect(end).toMatchObject(late);
  });

  const aborting = Object.keys(ROWS).filter((name) => ROWS[name]!.aborted);
  it.each(aborting)('%s ends when its caller has gone', async (name) => {
    const { call, aborted } = ROWS[name]!;
    const controller = new AbortController();
    const end = call({ signal: controller.signal }).catch((error: unknown) => error);
    controller.abort(GONE);
    expect(await end).toMatchObject(aborted!);
  });

  it('has a row for each call of the API that takes a time or a signal', () => {
    expect(callsWithBounds()).toEqual([...Object.keys(ROWS), ...IN_BATCHES].sort());
  });
});

/** By the listing of the API; the test kit speaks to a database beside it. */
function callsWithBounds(): string[] {
  const folder = 'docs/api/nestjs-simple-queue';
  const entries = readdirSync(folder).filter((file) => !/^(README|testing)/.test(file));
  const pages = [`${folder}.md`, ...entries.map((file) => `${folder}/${file}`)];
  const parts = pages.flatMap((page) => read(page).split(/^### /m).slice(1));
  const types = parts.filter(isBound).map(nameOf);
  const takes = new RegExp(`^\\| .options?.*timeoutMs\\?|^\\|.*\\[.(${types.join('|')}).\\]`, 'm');
  const calls = parts.flatMap((part) => {
    const methods = part.split(/^##### /m).slice(1);
    return methods.filter((method) => takes.test(method)).map((method) => `${nameOf(part)}.${nameOf(method)}`); // prettier-ignore
  });
  return calls.sort();
}

const nameOf = (part: string): string => /^\w+/.exec(part)![0];

/** The time of an attempt bounds no call. */
const isBound = (part: string): boolean =>
  /= `InBatches`|`InBatches.signal`/.test(part) ||
  part
    .split('\n')
    .some((row) => /^\|.*`(timeoutMs|signal)\?`/.test(row) && !/attempt|a run may/.test(row));
