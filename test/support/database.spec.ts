import { afterAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { anEmptyDatabase, type TestDatabase } from './database.ts';

const made: TestDatabase[] = [];

afterAll(async () => {
  for (const database of made) await database.drop();
});

async function anotherDatabase(): Promise<TestDatabase> {
  const database = await anEmptyDatabase();
  made.push(database);
  return database;
}

it('makes an empty database for each caller', async () => {
  const [one, two] = await Promise.all([anotherDatabase(), anotherDatabase()]);
  await one.query('create table only_here (id int)');
  expect(await two.query('select to_regclass($1) as found', ['only_here'])).toEqual([
    { found: null },
  ]);
});

it('drops a database although somebody is still connected', async () => {
  const database = await anEmptyDatabase();
  const leaked = new pg.Client({ connectionString: database.url });
  const cutOff = new Promise((resolve) => leaked.on('error', resolve));
  await leaked.connect();
  await database.drop();
  expect(await cutOff).toMatchObject({ code: '57P01' });
});
