import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { QueueService } from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { GreetingsService } from './greetings/greetings.service.js';

const { DATABASE_URL } = process.env;
let database: TestDatabase;
let app: INestApplication;

beforeAll(async () => {
  database = await anEmptyDatabase();
  // The module reads its environment when it is loaded.
  process.env.DATABASE_URL = database.url;
  const { AppModule } = await import('./first-job.module.js');
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0);
});

afterAll(async () => {
  await app.close();
  await database.drop();
  if (DATABASE_URL === undefined) delete process.env.DATABASE_URL;
  else process.env.DATABASE_URL = DATABASE_URL;
});

it('greets whom the request names', async () => {
  const answer = await fetch(`${await app.getUrl()}/greetings/Ann`, { method: 'POST' });
  const end = await app.get(QueueService).wait(await answer.text());
  expect(end).toMatchObject({ state: 'succeeded', output: 'Hello Ann!' });
});

it('greets nobody whose transaction failed', async () => {
  let id = '';
  const placing = app.get(DataSource).transaction(async (manager) => {
    id = await app.get(GreetingsService).greet('Bob', manager);
    throw new Error('no seat left');
  });
  await expect(placing).rejects.toThrow('no seat left');
  expect(await app.get(QueueService).find(id)).toBeUndefined();
});
