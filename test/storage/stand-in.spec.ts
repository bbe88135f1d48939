import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { StandIn, type StandInTerms } from '../../lib/storage/stand-in.js';
import { eventually } from '../support/eventually.js';
import { aStorage, type TestStorage } from '../support/storage.js';

describe('the stand-in', () => {
  let test: TestStorage;
  let standIn: StandIn;
  const missing: string[] = [];

  beforeAll(async () => (test = await aStorage()));
  afterAll(() => test.close());
  afterEach(async () => {
    await standIn.stop();
    missing.length = 0;
  });

  function aStandIn(terms: Partial<StandInTerms> = {}, dataSource: DataSource = test.dataSource): StandIn {
    const times = { leaseMs: 60_000, intervalMs: 40, stuckMs: 60_000, queryTimeoutMs: 5_000 };
    const database = { dataSource, textOf: test.storage.database.textOf.bind(test.storage.database) };
    return (standIn = new StandIn(database, { ...times, onMissing: (reason) => missing.push(reason), ...terms }));
  }

  const threadOf = (owner: StandIn): { terminate(): Promise<number> } | undefined =>
    (owner as unknown as { thread?: { terminate(): Promise<number> } }).thread;
  /** As a blocked event loop leaves it: nobody says that it turns. */
  const block = (owner: StandIn): void => clearInterval((owner as unknown as { pulse: NodeJS.Timeout }).pulse);
  const until = async (lease: string): Promise<number> =>
    (await test.database.query<{ ms: number }>('select extract(epoch from expires_at)::float8 as ms from simple_queue.lease where id = $1', [lease]))[0]!.ms; // prettier-ignore
  const sessions = async (): Promise<number> =>
    (await test.database.query<{ n: number }>(`select count(*)::int as n from pg_stat_activity where query like 'update simple_queue.lease set expires_at%' and pid <> pg_backend_pid()`))[0]!.n; // prettier-ignore

  it('renews the lease while the event loop does not turn, and has no connection while it does', async () => {
    const lease = await test.rows.lease('1 second');
    const first = await until(lease);
    const owner = aStandIn();
    const at = performance.now();
    owner.renewed(lease, at);
    await eventually(() => expect(threadOf(owner)).toBeDefined());
    expect([await sessions(), await until(lease)]).toEqual([0, first]);

    block(owner);
    await eventually(async () => expect(await until(lease)).toBeGreaterThan(first + 30));
    await eventually(() => expect(owner.renewedAt).toBeGreaterThan(at));
    expect(missing).toEqual([]);
  });

  it('leaves a lease that is gone to the main thread, and takes over the next one', async () => {
    const owner = aStandIn();
    owner.renewed(randomUUID(), performance.now());
    block(owner);
    const next = await test.rows.lease('1 second');
    const first = await until(next);
    owner.renewed(next, performance.now());
    await eventually(async () => expect(await until(next)).toBeGreaterThan(first + 30));
  });

  it('is none where stuckMs is 0, and says nothing of it', () => {
    const owner = aStandIn({ stuckMs: 0 });
    owner.renewed(randomUUID(), performance.now());
    expect([threadOf(owner), missing]).toEqual([undefined, []]);
  });

  it('says once that settings with a function reach no thread', () => {
    const options = { ...test.dataSource.options, password: () => 'asked for' };
    const owner = aStandIn({}, { options } as unknown as DataSource);
    for (let beats = 0; beats < 3; beats++) owner.renewed(randomUUID(), performance.now());
    expect(threadOf(owner)).toBeUndefined();
    expect(missing).toEqual([expect.stringContaining('cannot be handed over')]);
    expect(missing.join()).not.toContain('asked for');
  });

  it('is started again when its thread dies, three times, and then given up', async () => {
    const owner = aStandIn();
    owner.renewed(randomUUID(), performance.now());
    for (let deaths = 0; deaths < 4; deaths++) {
      await eventually(() => expect(threadOf(owner)).toBeDefined(), { timeoutMs: 10_000 });
      await threadOf(owner)!.terminate();
    }
    await eventually(() => expect(missing).toEqual(['it ended by itself']));
  });
});
