import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { Database } from '../../../lib/storage/connection/database.js';
import { OwnClient } from '../../../lib/storage/connection/own-client.js';
import { OwnPool } from '../../../lib/storage/connection/own-pool.js';
import { statement } from '../../../lib/storage/connection/statement.js';
import { administer, anEmptyDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';

const ONE = statement('one', 'select 1 as one');
const LONG_MS = 120_000;

/** To who has no connection left, a role's limit is the same as a full server. */
describe('on a full server', () => {
  let database: TestDatabase;
  let url: string;
  let holder: pg.Client | undefined;
  const ending: (() => Promise<unknown>)[] = [];
  const asked = jest.spyOn(OwnClient.prototype, 'connect');

  beforeAll(async () => {
    database = await anEmptyDatabase();
    const role = `crowded_${database.name}`;
    await database.query(`create role ${role} login password 'secret' connection limit 1`);
    url = Object.assign(new URL(database.url), { username: role, password: 'secret' }).href;
  });
  afterEach(async () => {
    for (const end of ending.splice(0)) await end();
    await leave();
    await eventually(async () => {
      const taken = `select from pg_stat_activity where usename = 'crowded_${database.name}'`;
      expect(await database.query(taken)).toEqual([]);
    });
    asked.mockClear();
  });
  afterAll(async () => {
    asked.mockRestore();
    await database.drop();
    await administer(process.env.SQ_TEST_URL!, `drop role crowded_${database.name}`);
  });

  /** Takes the only connection that there is. */
  async function fill(): Promise<void> {
    holder = new pg.Client({ connectionString: url });
    await holder.connect();
  }
  const leave = async () => {
    await holder?.end();
    holder = undefined;
  };
  const aPool = (patienceMs: number) => {
    const pool = new OwnPool({ connectionString: url, max: 5 }, patienceMs);
    ending.push(() => pool.end());
    return pool;
  };
  const aDatabase = (more = {}) => {
    const dataSource = { options: { type: 'postgres', url } } as DataSource;
    const made = new Database(dataSource, {
      schema: 'simple_queue',
      preparedStatements: true,
      poolMode: 'session',
      queryTimeoutMs: 100,
      ...more,
    });
    ending.push(() => made.close());
    return made;
  };
  const refused = expect.objectContaining({ code: 'DATABASE_UNAVAILABLE', isCrowded: true });

  it('what finds no room waits until there is some', async () => {
    await fill();
    const pool = aPool(LONG_MS);
    const calls = Array.from({ length: 20 }, () => pool.query('select 1 as one'));
    await eventually(() => expect(asked.mock.calls.length).toBeGreaterThan(5));
    await leave();
    for (const { rows } of await Promise.all(calls)) expect(rows).toEqual([{ one: 1 }]);
  });

  it('calls share the connections that are open, in their order', async () => {
    const pool = aPool(LONG_MS);
    const done: number[] = [];
    const client = await pool.connect();
    const calls = Array.from({ length: 20 }, (_, n) =>
      pool.query('select').then(() => void done.push(n)),
    );
    await eventually(() => expect(asked.mock.calls.length).toBeGreaterThan(5));
    client.release();
    await Promise.all(calls);
    expect(done).toHaveLength(20);
    await pool.query('select');
  });

  it.each(['callers', 'waiters', 'settlers', 'loops'] as const)(
    'the %s ask again, for a while',
    async (way) => {
      await fill();
      const { [way]: connections } = aDatabase();
      const calls = Array.from({ length: 20 }, () => connections.run(ONE, []));
      for (const call of await Promise.allSettled(calls)) expect(call).toMatchObject({ status: 'rejected', reason: refused }); // prettier-ignore
      expect(asked.mock.calls.length).toBeGreaterThan(20);
    },
  );

  it('what comes after a look in vain fails at once, and is done where there is room', async () => {
    await fill();
    const pool = aPool(1);
    Object.assign(pool, { vainUntil: Infinity });
    await expect(pool.query('select')).rejects.toMatchObject({ code: '53300' });
    expect(asked).toHaveBeenCalledTimes(1);
    await leave();
    await eventually(() => pool.query('select'));
  });

  it('loops do not wait, and nothing does that a spool takes', async () => {
    await fill();
    const { loops, callers } = aDatabase({ worker: {}, spool: {}, queryTimeoutMs: LONG_MS });
    await expect(loops.run(ONE, [])).rejects.toEqual(refused);
    await expect(callers.run(ONE, [])).rejects.toEqual(refused);
    expect(asked).toHaveBeenCalledTimes(2);
  });
});
