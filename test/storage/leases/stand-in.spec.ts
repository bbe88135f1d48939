import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { StandIn, type StandInTerms } from '../../../lib/storage/leases/stand-in.js';
import { eventually } from '../../support/eventually.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

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

  function aStandIn(
    terms: Partial<StandInTerms> = {},
    dataSource: DataSource = test.dataSource,
  ): StandIn {
    const times = { leaseMs: 60_000, intervalMs: 40, stuckMs: 60_000, queryTimeoutMs: 5_000 };
    const database = {
      dataSource,
      textOf: test.storage.database.textOf.bind(test.storage.database),
    };
    return (standIn = new StandIn(database, {
      ...times,
      onMissing: (reason) => missing.push(reason),
      ...terms,
    }));
  }

  /** A user's address without a password is what a function is for. */
  function withOptions(options: object): DataSource {
    const {
      host,
      port,
      user: username,
      database,
    } = new pg.Client({ connectionString: test.database.url });
    return {
      options: { type: 'postgres', host, port, username, database, ...options },
    } as unknown as DataSource;
  }

  const threadOf = (owner: StandIn): { terminate(): Promise<number> } | undefined =>
    (owner as unknown as { thread?: { terminate(): Promise<number> } }).thread;
  const innerOf = (owner: StandIn) =>
    owner as unknown as { pulse: NodeJS.Timeout; times: Float64Array; turn: () => void };
  /** Its loop turns for the thread, however late this process is. */
  const turning = (owner: StandIn): StandIn => {
    const inner = innerOf(owner);
    inner.turn = () => void (inner.times[0] = Infinity);
    return owner;
  };
  /** As a blocked event loop leaves it: nobody says that it turns. */
  const block = (owner: StandIn): void => {
    const { pulse, times } = innerOf(owner);
    clearInterval(pulse);
    times[0] = performance.now();
  };
  const until = async (lease: string): Promise<number> =>
    (await test.database.query<{ ms: number }>('select extract(epoch from expires_at)::float8 as ms from simple_queue.lease where id = $1', [lease]))[0]!.ms; // prettier-ignore
  const sessions = async (): Promise<number> =>
    (await test.database.query<{ n: number }>(`select count(*)::int as n from pg_stat_activity where query like '%; update simple_queue.lease set expires_at%' and datname = current_database() and pid <> pg_backend_pid()`))[0]!.n; // prettier-ignore

  it('renews the lease while the event loop does not turn, and has no connection while it does', async () => {
    const lease = await test.rows.lease('1 second');
    const first = await until(lease);
    const owner = turning(aStandIn());
    const at = performance.now();
    await owner.taken(lease, at);
    expect(threadOf(owner)).toBeDefined();
    expect([await sessions(), await until(lease)]).toEqual([0, first]);

    block(owner);
    await eventually(async () => expect(await until(lease)).toBeGreaterThan(first + 30));
    await eventually(() => expect(owner.renewedAt).toBeGreaterThan(at));
    expect(missing).toEqual([]);
  });

  it('leaves a lease that is gone to the main thread, and takes over the next one', async () => {
    const owner = aStandIn();
    await owner.taken(randomUUID(), performance.now());
    block(owner);
    const next = await test.rows.lease('1 second');
    const first = await until(next);
    await owner.taken(next, performance.now());
    await eventually(async () => expect(await until(next)).toBeGreaterThan(first + 30));
  });

  it('is none where stuckMs is 0, and says nothing of it', async () => {
    const owner = aStandIn({ stuckMs: 0 });
    await owner.taken(randomUUID(), performance.now());
    expect([threadOf(owner), missing]).toEqual([undefined, []]);
  });

  it('has the password that a function gives, which is asked again after a while, and not at each beat', async () => {
    const { password } = new pg.Client({ connectionString: test.database.url });
    let asked = 0;
    const owner = aStandIn(
      {},
      withOptions({ password: () => Promise.resolve(`${password ?? ''}${asked++ ? '' : 'x'}`) }),
    );
    const lease = await test.rows.lease('1 second');
    const first = await until(lease);
    await owner.taken(lease, performance.now());
    for (let beats = 0; beats < 3; beats++) owner.renewed(performance.now());
    expect(threadOf(owner)).toBeDefined();
    expect(asked).toBe(1);
    (owner as unknown as { askAt: number }).askAt = 0;
    owner.renewed(performance.now());
    expect(asked).toBe(2);
    block(owner);
    await eventually(async () => expect(await until(lease)).toBeGreaterThan(first + 30));
    expect(missing).toEqual([]);
  });

  it('says that the function of its password failed, and not how', async () => {
    const owner = aStandIn(
      {},
      withOptions({ password: () => Promise.reject(new RangeError('asked for')) }),
    );
    await owner.taken(randomUUID(), performance.now());
    await eventually(() =>
      expect(missing).toEqual(['the function that gives its password failed: RangeError']),
    );
  });

  it('says once that settings with a function reach no thread, unless nothing there would call it', async () => {
    const owner = aStandIn({}, withOptions({ ssl: { checkServerIdentity: () => 'asked for' } }));
    for (let beats = 0; beats < 3; beats++) await owner.taken(randomUUID(), performance.now());
    await eventually(() =>
      expect(missing).toEqual([expect.stringContaining('cannot be handed over')]),
    );
    expect(threadOf(owner)).toBeUndefined();
    expect(missing.join()).not.toContain('asked for');
    missing.length = 0;
    const other = aStandIn(
      {},
      withOptions({
        extra: { log: () => 0, onConnect: () => 0, types: { getTypeParser: () => 0 } },
      }),
    );
    await other.taken(randomUUID(), performance.now());
    expect(threadOf(other)).toBeDefined();
    expect(missing).toEqual([]);
  });

  it('is started again when its thread dies, three times, and then given up', async () => {
    const owner = aStandIn();
    await owner.taken(randomUUID(), performance.now());
    for (let deaths = 0; deaths < 4; deaths++) {
      await eventually(() => expect(threadOf(owner)).toBeDefined(), { timeoutMs: 10_000 });
      await threadOf(owner)!.terminate();
    }
    await eventually(() => expect(missing).toEqual(['it ended by itself']));
  });
});
