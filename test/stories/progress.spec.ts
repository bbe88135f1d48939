import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startPostgres, type LocalPostgres } from '../../sample/local-postgres/local-postgres.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { scaled } from '../support/patience.mjs';
import { TcpProxy } from '../support/tcp-proxy.js';

const COUNT = 300;

describe('I7 progress: when a fault heals, the queue drains by itself', () => {
  let server: LocalPostgres;
  let database: TestDatabase;
  let proxy: TcpProxy;
  let application: TestApplication;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    const version =
      process.env.SQ_TEST_PG === 'testcontainers' ? undefined : process.env.SQ_TEST_PG || undefined;
    // Durable: without synchronous commits a crash of the server may forget what it acknowledged.
    server = await startPostgres({ version, durable: true });
    database = await anEmptyDatabase(server.url);
  });

  afterEach(async () => {
    await application.close();
    proxy.stop();
    expect(unhandled).toEqual([]);
    expect(await database.query(CHECK_PLACES.text)).toEqual([]);
  });

  afterAll(async () => {
    process.removeListener('unhandledRejection', note);
    await database.drop();
    await server.stop();
  });

  /** A worker behind a bad network, and one that the fault does not reach. */
  async function aWorker(
    queue: string,
    options: SimpleQueueOptions = {},
  ): Promise<{ enqueue: () => Promise<string[]> }> {
    proxy = await TcpProxy.start(database.url);
    const work = async () => new Promise((resolve) => setImmediate(resolve));
    application = await anApplication(database, {
      typeorm: { url: proxy.url } as never,
      options: { pollIntervalMs: 100, queryTimeoutMs: scaled(1_000), ...options },
      providers: [aHandler(queue, work, { concurrency: 20 })],
    });
    return {
      enqueue: async () => {
        const { storage } = application;
        const lane = await storage.lanes.of(queue, '');
        const jobs = await database.query<{ id: string }>(
          `with job as (insert into simple_queue.job (id, shard, lane, queue, run_at)
             select gen_random_uuid(), 0, $1, $2, statement_timestamp() from generate_series(1, $3) returning *)
           insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
             select lane, shard, priority, run_at, id, 0 from job returning id`,
          [lane.id, lane.queueId, COUNT],
        );
        return jobs.map(({ id }) => id);
      },
    };
  }

  const untilDrained = (ids: string[]) =>
    eventually(
      async () => {
        const rows = await database.query(
          'select id, state from simple_queue.jobs where id = any($1)',
          [ids],
        );
        expect(rows.filter((row) => row.state === 'succeeded').length).toBe(ids.length);
      },
      { timeoutMs: 20_000 },
    );

  const othersBackends = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'nestjs-simple-queue'`;

  it('after every backend was terminated, again and again', async () => {
    const { enqueue } = await aWorker('terminated');
    const ids: string[] = [];
    for (let round = 0; round < 5; round++) {
      ids.push(...(await enqueue()));
      await database.query(othersBackends);
    }

    await untilDrained(ids);
  });

  it('after the server crashed and recovered', async () => {
    const { enqueue } = await aWorker('crashed');
    const ids = await enqueue();

    await server.restart('immediate');
    ids.push(...(await eventually(enqueue)));

    await untilDrained(ids);
    await eventually(() => application.queues.enqueue('crashed', {}));
  });

  it('after every socket became a black hole', async () => {
    const { enqueue } = await aWorker('black-hole');
    const ids = await enqueue();
    await eventually(() => expect(application.seen('started').length).toBeGreaterThan(0));

    proxy.blackHole();
    ids.push(...(await enqueue()));

    await untilDrained(ids);
  });

  it('after the network was gone for longer than the lease', async () => {
    const { enqueue } = await aWorker('gone');
    const ids = await enqueue();
    proxy.refuse();
    proxy.reset();
    await eventually(async () =>
      expect((await database.query('select from simple_queue.lease')).length).toBe(1),
    );
    await database.query('delete from simple_queue.lease');
    await eventually(() => expect(application.seen('loopFailed').length).toBeGreaterThan(5));

    await proxy.pass();

    await untilDrained(ids);
  });

  it('frees a claim whose answer was lost on the way, under a lease that lives', async () => {
    const { enqueue } = await aWorker('lost-answer', { leaseMs: PATIENT.leaseMs });
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      // A slow line, so that an answer is on its way when the line is cut.
      proxy.delay(40);
      ids.push(...(await enqueue()));
      await eventually(async () =>
        expect((await database.query('select from simple_queue.claim')).length).toBeGreaterThan(0),
      );
      proxy.blackHole();
      await proxy.pass();
    }

    await untilDrained(ids);
    await eventually(async () =>
      expect(await database.query('select * from simple_queue.claim')).toEqual([]),
    );
    await eventually(() => expect(application.seen('succeeded').length).toBe(ids.length));
    expect(application.seen('leaseLost').concat(application.seen('failed'))).toEqual([]);
  });

  it('hears of new jobs from other processes again after its listener lost its connection', async () => {
    const { enqueue } = await aWorker('heard');
    await database.query(othersBackends);
    await untilDrained(await enqueue());

    const listening = `select from pg_stat_activity where query ilike 'listen%' and datname = current_database()`;
    await eventually(async () => expect((await database.query(listening)).length).toBe(1));
  });
});
