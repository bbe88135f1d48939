import type { INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueWorker, SimpleQueueModule } from 'nestjs-simple-queue';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { HealthController } from './health.controller.js';

let database: TestDatabase;
let app: INestApplication;

beforeAll(async () => {
  database = await aDatabase();
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url }),
      SimpleQueueModule.forRoot(),
      TerminusModule,
    ],
    controllers: [HealthController],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const probe = async (path: string): Promise<number> =>
  (await fetch(`${await app.getUrl()}${path}`)).status;

it('answers every probe, and is alive but not ready once its worker has stopped', async () => {
  const paths = ['/health/live', '/health/ready', '/health'];
  await eventually(async () =>
    expect(await Promise.all(paths.map(probe))).toEqual([200, 200, 200]),
  );
  await app.get(QueueWorker).stop();
  expect(await Promise.all(paths.map(probe))).toEqual([200, 503, 503]);
});
