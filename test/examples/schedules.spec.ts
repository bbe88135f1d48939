import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import { advanceTime, drain, SimpleQueueTestingModule } from 'nestjs-simple-queue/testing';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { BillingService } from './billing.service.js';
import { NightlyReport, Reports } from './nightly-report.handler.js';

let database: TestDatabase;
let app: TestingModule;

beforeEach(async () => {
  database = await aDatabase();
  app = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url }),
      SimpleQueueTestingModule.forRoot(),
    ],
    providers: [NightlyReport, Reports, BillingService],
  }).compile();
  await app.init();
});

afterEach(async () => {
  await app.close();
  await database.drop();
});

// #region test
it('writes a report each night', async () => {
  const [tonight] = await app.get(QueueSchedules).preview('reports', 1);
  await advanceTime(app, 24 * 60 * 60 * 1_000);
  await drain(app);
  expect(app.get(Reports).written).toEqual([tonight!.toISOString().slice(0, 10)]);
});
// #endregion

it('bills a tenant that signed up, and not one that did not', async () => {
  const billing = app.get(BillingService);
  const sources = app.get(DataSource);
  await sources.transaction((manager) => billing.signUp('acme', 'Europe/Paris', manager));
  await expect(
    sources.transaction(async (manager) => {
      await billing.signUp('umbrella', 'Europe/Paris', manager);
      throw new Error('no card');
    }),
  ).rejects.toThrow('no card');
  const names = (await app.get(QueueSchedules).list()).map(({ name }) => name);
  expect(names).toEqual(['billing:acme', 'reports']);
  const [from, to] = [new Date('2026-01-01'), new Date('2026-04-02')];
  expect(await billing.makeUp('acme', from, to, true)).toHaveLength(4);
});
