import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPostgres, type LocalPostgres } from '../../sample/local-postgres/local-postgres.js';
import type { ClaimedRow } from '../../lib/storage/claim/row-mapper.js';
import { anApplication, type TestApplication } from '../support/application.js';
import { checkPlaces } from '../support/check-places.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

const ANYWHERE = { priority: -32_768, runAt: '-infinity', id: '0'.repeat(32), upto: 32_767 };
const NOTHING = { lanes: [], limit: 0, claimId: randomUUID(), lease: randomUUID() };

/** A claim of an idle lane does not wait for the disk: a crash of the server within moments undoes it, while its run goes on. */
describe('a claim that a crash of the server has undone', () => {
  let server: LocalPostgres;
  let database: TestDatabase;
  let application: TestApplication;

  beforeAll(async () => {
    const version =
      process.env.SQ_TEST_PG === 'testcontainers' ? undefined : process.env.SQ_TEST_PG || undefined;
    server = await startPostgres({ version, durable: true });
    database = await anEmptyDatabase(server.url);
    application = await anApplication(database, { options: { worker: false } });
  });
  afterAll(async () => {
    await application.close();
    await database.drop();
    await server.stop();
  });

  async function claim(isAwaited: boolean): Promise<ClaimedRow> {
    const { storage } = application;
    const lane = (await storage.lanes.of('mail', '')).id;
    const lanes = [{ lane, wanted: 1, ranges: [ANYWHERE] }];
    const key = { claimId: randomUUID(), lease: randomUUID() };
    const wish = { ...key, lanes, limit: 1, isAwaited };
    const { jobs } = await storage.claims.settleAndClaim('worker', [], [], wish);
    return jobs[0]!;
  }

  /** What writes the log behind asynchronous commits stands still until the server crashes. */
  async function stopWriter(): Promise<void> {
    const writers = `select pid from pg_stat_activity where backend_type = 'walwriter'`;
    const [writer] = await database.query<{ pid: number }>(writers);
    process.kill(writer!.pid, 'SIGSTOP');
  }

  const stateOf = (id: string) =>
    eventually(
      async () =>
      database.query('select state, epoch from simple_queue.job join simple_queue.jobs using (id) where id = $1', [id]), // prettier-ignore
    );
  const successOf = ({ id, epoch }: ClaimedRow) => ({
    ...{ id, epoch, runMs: 1, keepMs: 60_000, output: '1' },
  });

  it('leaves its job ready, and no write of its run matches; the next run completes', async () => {
    const { id } = await application.queues.enqueue('mail', {});
    await stopWriter();
    const first = await claim(true);
    await server.restart('immediate');
    expect(await stateOf(id)).toEqual([{ state: 'ready', epoch: 0 }]);

    const { claims, settlements, database: own } = application.storage;
    const settled = await claims.settleAndClaim('worker', [successOf(first)], [], NOTHING);
    const change = { spent: 1, rescheduled: 0, ran: true } as const;
    const put = await settlements.putBack([{ id, epoch: first.epoch, change }]);
    const inTransaction = (row: ClaimedRow) =>
      own.callers.transaction((run) => settlements.complete(run, 'worker', successOf(row)));
    const completed = await inTransaction(first);
    expect([settled.lost, put.length, completed]).toEqual([[id], 0, false]);
    expect(await checkPlaces(application.storage)).toEqual([]);

    const second = await claim(true);
    expect([await inTransaction(first), await inTransaction(second)]).toEqual([false, true]);
    expect(await checkPlaces(application.storage)).toEqual([]);
  });

  it('is none of a busy lane: such a claim is on the disk before its jobs start', async () => {
    const { id } = await application.queues.enqueue('mail', {});
    const row = await claim(false);
    await server.restart('immediate');
    expect(await stateOf(id)).toEqual([{ state: 'running', epoch: 0 }]);

    const { claims } = application.storage;
    const settled = await claims.settleAndClaim('worker', [successOf(row)], [], NOTHING);
    expect(settled.lost).toEqual([]);
  });
});
