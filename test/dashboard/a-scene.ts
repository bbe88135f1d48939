import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueHandler, QueueService, UnprocessableError } from 'nestjs-simple-queue';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { eventually } from '../support/eventually.js';
import type { TestDatabase } from '../support/database.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

/** What somebody on call finds: a third party that fails, a poisoned order, a paused queue, a queue that nobody serves. */
export const mended = { is: false };

/** Payloads that want to be more than text. */
export const HOSTILE = {
  script:
    '</script><script>window.hacked = true</script><img src=x onerror="window.hacked = true">',
  turned: 'invoice\u202egnp.exe',
  emoji: '😀',
  deep: undefined as unknown,
};

@QueueHandler('mail', { maxAttempts: 1 })
class SendMail {
  process(job: { payload: { to: string } }): unknown {
    if (job.payload.to.startsWith('nobody')) throw new UnprocessableError('no such address');
    if (!mended.is)
      throw Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:587'), { code: 'ECONNREFUSED' });
    return { delivered: job.payload.to };
  }
}

@QueueHandler('reports')
class WriteReport {
  process(): unknown {
    return { pages: 3 };
  }
}

let deep: unknown = 'bottom';
for (let depth = 0; depth < 2_000; depth++) deep = [deep];
HOSTILE.deep = deep;

/** An hour as workers would have counted it; the newest minute is still in their memory. */
async function anHour(database: TestDatabase): Promise<void> {
  await database.query(`insert into simple_queue.tally (lane, shard, minute, worker, expires_at, started, succeeded, retried, rescheduled,
      released, cancelled, failed, lost, wait, run)
    select l.id, 0, date_trunc('minute', now()) - n * interval '1 minute', 'shop-7f9c:1', now() + interval '1 day',
      40 + n % 7, 40 + n % 7 - bad, bad / 2, 0, 0, 0, bad - bad / 2, 0, array[0, 5, 9, 20, 6], array[0, 0, 0, 2, 10, 20, 8]
    from simple_queue.lane l, generate_series(2, 58) n, lateral (select case when n < 15 then 20 - n else 0 end) b(bad)`);
}

/** A fan-out between two steps, none of which has begun: what runs would move under the pictures. */
const aFlow = async (flows: QueueWorkflows): Promise<string> =>
  (
    await flows.start(
      workflow('catalogue')
        .step('download', 'exports', { from: 'supplier' })
        .each('tile', 'exports', [1, 2, 3], { after: 'download' })
        .step('publish', 'exports', {}, { after: 'tile' }),
    )
  ).id;

export async function aScene(
  database: TestDatabase,
): Promise<TestDashboard & { hostile: string; flow: string }> {
  mended.is = false;
  const it_ = await aDashboard(database, {
    options: { worker: true },
    dashboard: { traceUrl: 'https://traces.example/{traceId}' },
    module: { providers: [SendMail, WriteReport] },
  });
  const queues = it_.app.get(QueueService);
  const admin = it_.app.get(QueueAdmin);
  for (let n = 0; n < 12; n++) await queues.enqueue('mail', { to: `customer-${n}@example.com` });
  await queues.enqueue('mail', { to: 'nobody@nowhere.example' });
  for (let n = 0; n < 5; n++) await queues.enqueue('reports', { month: n });
  const options = { runAt: new Date(Date.now() + 86_400_000) };
  const { id } = await queues.enqueue('reports', HOSTILE, { ...options, uniqueKey: 'report:7' });
  await queues.enqueue('exports', { format: 'csv' });
  await queues.enqueue('webhooks', { url: '/hooks' });
  await admin.pause('webhooks');
  await admin.setLimit('mail', { fleetConcurrency: 4 });
  const nightly = { cron: '0 2 * * *', timeZone: 'America/New_York', target: 'reports' };
  await it_.app.get(QueueSchedules).put('nightly-report', nightly);
  await anHour(database);
  await eventually(async () => {
    const { deadLetters } = await admin.stats('mail');
    return deadLetters.jobs === 13 && (await admin.stats('reports')).ready.jobs === 0;
  });
  return Object.assign(it_, { hostile: id, flow: await aFlow(it_.app.get(QueueWorkflows)) });
}
