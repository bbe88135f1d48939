import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ContextIdFactory } from '@nestjs/core';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { Customers, ExportReport } from './export-report.handler.js';
import { ByTenant, ImportFile, JobLog, SendStatement, TenantStore } from './tenants.js';

let database: TestDatabase;
let application: TestApplication;

beforeAll(async () => {
  ContextIdFactory.apply(new ByTenant());
  database = await aDatabase();
  application = await anApplication(database, {
    options: PATIENT,
    providers: [Customers, ExportReport, JobLog, SendStatement, TenantStore, ImportFile],
  });
});

afterAll(async () => {
  await application.close();
  await database.drop();
  ContextIdFactory.apply(undefined as never);
});

it('guards, measures, parses and filters', async () => {
  const { queues, app } = application;
  app.get(Customers).gone.add('bob');
  const export_ = (customer: string, month: string) =>
    queues.enqueueAndWait('reports', { customer, month });
  expect(await export_('ann', '2026-11')).toMatchObject({
    state: 'succeeded',
    output: 'ann-2026.pdf',
  });
  expect(app.get(Customers).worked.get('reports')).toBeGreaterThan(0);
  expect(await export_('ann', 'November')).toMatchObject({ state: 'unprocessable' });
  expect(await export_('bob', '2026-11')).toMatchObject({ state: 'cancelled' });
});

it('knows the job wherever it is injected', async () => {
  const { queues } = application;
  expect(await queues.enqueueAndWait('statements', { to: 'Ann' })).toMatchObject({
    output: ['[statements 1/3] to Ann'],
  });
  expect(await queues.enqueueAndWait('statements', { to: 'Bob' })).toMatchObject({
    output: ['[statements 1/3] to Bob'],
  });
});

it('keeps what belongs to a tenant from job to job', async () => {
  const import_ = (tenant: string) =>
    application.queues.enqueueAndWait('imports', {}, { headers: { tenant } });
  expect(await import_('ann')).toMatchObject({ output: 'ann: 1' });
  expect(await import_('bob')).toMatchObject({ output: 'bob: 1' });
  expect(await import_('ann')).toMatchObject({ output: 'ann: 2' });
});
