import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { inOneMessage } from '../../../lib/storage/connection/one-message.js';
import { unhurried } from '../../../lib/storage/connection/unhurried.js';
import { eventually } from '../../support/eventually.js';
import { anEmptyDatabase, type TestDatabase } from '../../support/database.js';

/** Takes too long the first three times: a sequence counts also what is rolled back. */
const SLOW_AT_FIRST = `select where case when nextval('tries') <= 3 then pg_sleep(30)::text end is null`;

describe('the first words of a transaction that the timeout of a role cancels', () => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await anEmptyDatabase();
    await database.query('create sequence tries');
    await database.query('create table effect (n int)');
    client = new pg.Client(database.url);
    await client.connect();
    await client.query(`set statement_timeout = 50`);
  });
  beforeEach(async () => {
    await database.query(`select setval('tries', 1, false)`);
    await database.query('truncate effect');
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const effects = async (): Promise<unknown> => database.query('select n from effect');

  it('are sent again, and what follows them happens once', async () => {
    const head = ['begin', SLOW_AT_FIRST, 'set local statement_timeout = 0'];
    for (const name of [undefined, 'named']) {
      await database.query(`select setval('tries', 1, false)`);
      const text = 'insert into effect values ($1) returning n';
      const { rows } = await inOneMessage(client, head, { name, text, values: [1] });
      expect(rows).toEqual([{ n: 1 }]);
    }
    expect(await effects()).toEqual([{ n: 1 }, { n: 1 }]);
  });

  it('are given up after some tries', async () => {
    const send = () => client.query('select pg_sleep(30)');
    await expect(unhurried(send)).rejects.toMatchObject({ code: '57014' });
  });

  it('are not sent again where what follows them was cancelled', async () => {
    const insert = 'insert into effect values (1)';
    const head = ['begin', SLOW_AT_FIRST, insert];
    const query = { text: `select pg_sleep(30)` };
    // A busy machine may cancel the head, too, and then it is sent again.
    await eventually(async () => {
      await client.query('rollback');
      await database.query(`select setval('tries', 10)`);
      await expect(inOneMessage(client, head, query)).rejects.toMatchObject({ code: '57014' });
      const [{ tries }] = (await database.query('select last_value as tries from tries')) as [{ tries: string }]; // prettier-ignore
      expect([tries, await effects()]).toEqual(['11', []]);
    });
    await client.query('rollback');
  });
});
