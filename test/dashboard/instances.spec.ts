import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Logger, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AddressInfo, Server } from 'node:net';
import { getToken, QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import { SimpleQueueDashboardModule } from 'nestjs-simple-queue/dashboard';
import { PATIENT, QUICK } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { patient } from '../support/patience.mjs';
import { aDatabase } from '../support/template.js';
import { aBrowser, buildPage, CHROMIUM } from './a-browser.js';
import { OWN } from './a-dashboard.js';

@Injectable()
class Operators {
  readonly names = ['ada'];
}

@Module({ providers: [Operators], exports: [Operators] })
class OperatorsModule {}

/** Of `forRootAsync`, over two instances of the module in one database. */
describe('one page for several instances', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let origin: string;

  beforeAll(async () => {
    buildPage();
    database = await aDatabase();
    Logger.overrideLogger(false);
    const { url } = database;
    const options = { ...QUICK, ...PATIENT, worker: false };
    const compiled = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 }),
        SimpleQueueModule.forRoot(options),
        SimpleQueueModule.forRoot({ ...options, name: 'reports', schema: 'reports_queue' }),
        SimpleQueueDashboardModule.forRootAsync({
          path: 'ops',
          instances: ['default', 'reports'],
          imports: [OperatorsModule],
          inject: [Operators],
          useFactory: ({ names }: Operators) => ({
            access: ({ headers }: { headers: Record<string, string> }) =>
              names.includes(headers['x-user'] ?? 'ada') && 'all',
          }),
        }),
      ],
    }).compile();
    app = compiled.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    origin = `http://127.0.0.1:${port}/ops`;
    await app.get(QueueService).enqueue('mail', {});
    await app.get<QueueService>(getToken(QueueService, 'reports')).enqueue('yearly', {});
  }, patient(60_000));
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const look = async (path: string) => (await fetch(`${origin}/api/${path}`)).json();

  it('looks at the one that is asked for, and at the first otherwise', async () => {
    expect(await look('me')).toMatchObject({ instances: ['default', 'reports'] });
    expect(await look('queues')).toMatchObject({ queues: [{ queue: 'mail' }] });
    expect(await look('queues?in=reports')).toMatchObject({ queues: [{ queue: 'yearly' }] });
    expect(await look('queue?queue=mail&in=reports')).toMatchObject({ code: 'QUEUE_UNKNOWN' });
    expect(await look('queues?in=nosuch')).toMatchObject({ code: 'INVALID_NAME' });
  });

  it('acts on that one alone, for those whom the factory lets in', async () => {
    const act = async (user: string) =>
      (
        await fetch(`${origin}/api/pause?in=reports`, {
          method: 'POST',
          headers: { ...OWN, 'x-user': user },
          body: JSON.stringify({ queue: 'yearly' }),
        })
      ).status;
    expect([await act('eve'), await act('ada')]).toEqual([403, 200]);
    expect(await look('queues?in=reports')).toMatchObject({ queues: [{ paused: true }] });
    expect(await look('audit')).toMatchObject({ acts: [] });
    expect(await look('audit?in=reports')).toMatchObject({ acts: [{ action: 'pause' }] });
  });

  (CHROMIUM ? it : it.skip)(
    'changes between them in the page, and its address says which',
    async () => {
      const browser = await aBrowser();
      const { page } = browser;
      page.setDefaultTimeout(patient(10_000));
      await page.goto(`${origin}#/queues`);
      await page.getByRole('link', { name: 'mail' }).waitFor();
      await page.getByLabel('Instance').selectOption('reports');
      await page.getByRole('link', { name: 'yearly' }).first().click();
      await page.getByRole('heading', { name: 'Queue yearly' }).waitFor();
      expect(page.url()).toContain('of=reports');
      const other = await browser.context.newPage();
      await other.goto(page.url());
      await other.getByRole('heading', { name: 'Queue yearly' }).waitFor();
      await other.getByRole('button', { name: 'Resume' }).waitFor();
      await page.goBack();
      await page.goBack();
      await page.getByRole('link', { name: 'mail' }).waitFor();
      await browser.close();
    },
  );
});
