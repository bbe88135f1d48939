import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { metrics } from '@opentelemetry/api';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { QueueService } from 'nestjs-simple-queue';
import { readFileSync } from 'node:fs';
import type { TestDatabase } from '../../test/support/database.js';
import { aDatabase } from '../../test/support/template.js';
import { eventually } from '../../test/support/eventually.js';
import { registerMetrics } from './instrumentation.js';
import { MetricsModule } from './metrics.module.js';

describe('npm run start:metrics', () => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await aDatabase();
    app = await NestFactory.create(MetricsModule.forRoot(database.url, registerMetrics()), {
      logger: false,
    });
    await app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
    metrics.disable();
  });

  const scrape = async (): Promise<string> => (await fetch(`${await app.getUrl()}/metrics`)).text();

  it('shows every metric that the README asks Prometheus for, by queue', async () => {
    await app.get(QueueService).enqueue('mails', { to: 'nobody@example.com' }, { maxAttempts: 1 });
    await app.get(QueueService).enqueueMany('newsletters', [{ payload: {} }, { payload: {} }]);
    const wanted = [
      /simple_queue_settled_total\{[^}]*messaging_destination_name="mails"[^}]*outcome="failed"/,
      /messaging_process_duration_count\{[^}]*error_type="UnknownAddress"/,
      /simple_queue_depth\{[^}]*messaging_destination_name="newsletters"/,
    ];
    let page = '';
    await eventually(
      async () => {
        page = await scrape();
        expect(wanted.filter((pattern) => !pattern.test(page))).toEqual([]);
      },
      { timeoutMs: 10_000 },
    );
    const asked =
      readFileSync(new URL('README.md', import.meta.url), 'utf8').match(
        /\b(simple_queue|messaging)_\w+/g,
      ) ?? [];
    const labels = ['simple_queue_loop', 'messaging_destination_name', 'messaging_operation_name', 'simple_queue_outcome', 'simple_queue_state', 'simple_queue_poll_result']; // prettier-ignore
    // Only what has happened has a line: nobody has lost a lease here.
    const names = [...new Set(asked)].filter(
      (name) => !labels.includes(name) && !/lapsed|reaped|failures/.test(name),
    );
    expect(names.length).toBeGreaterThan(8);
    // What waits for a person is counted more seldom than the page is read.
    await eventually(
      async () => {
        page = await scrape();
        expect(names.filter((name) => !page.includes(name))).toEqual([]);
      },
      { timeoutMs: 30_000 },
    );
    expect(page).not.toContain('@example.com');
  });
});
