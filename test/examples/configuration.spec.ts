import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { QueueWorker } from 'nestjs-simple-queue';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';

const environment = { ...process.env };
let database: TestDatabase;

beforeAll(async () => {
  database = await anEmptyDatabase();
  // Modules read their environment when they are loaded.
  process.env.DATABASE_URL = database.url;
  Logger.overrideLogger(false);
});

afterAll(async () => {
  process.env = environment;
  await database.drop();
});

it('works without an HTTP server', async () => {
  const { start } = await import('./worker-main.js');
  const app = await start();
  expect(app.get(QueueWorker).isRunning).toBe(true);
  await app.close();
});

it.each([
  ['api', false],
  ['worker', true],
])('takes its role from the configuration: %s', async (role, works) => {
  process.env.ROLE = role;
  const { AppModule } = await import('./from-config.js');
  const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
  await app.init();
  expect(app.get(QueueWorker).isRunning).toBe(works);
  await app.close();
});
