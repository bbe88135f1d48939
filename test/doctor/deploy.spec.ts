import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { of } from './a-doctor.js';

const Letters = defineJob({
  queue: 'letters',
  name: 'send',
  payload: z.object({ to: z.string().min(3), copies: z.number() }),
});
const Parcels = defineJob({ queue: 'parcels', payload: z.object({ weight: z.number() }) });

@QueueHandler(Letters)
class SendLetter {
  process(): void {}
}

let database: TestDatabase;
let application: TestApplication;
let doctor: QueueDoctor;

beforeAll(async () => {
  database = await anEmptyDatabase();
  application = await anApplication(database, {
    options: { worker: { autoStart: false } },
    providers: [
      SendLetter,
      aHandler('ledger', () => undefined, { transactional: true, concurrency: 20 }),
    ],
  });
  doctor = application.app.get(QueueDoctor, { strict: false });
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('looks at queued payloads with the templates of handlers, and shows none', async () => {
  await application.queues.enqueue(Letters, { to: 'ann', copies: 1 });
  expect(of('TEMPLATES', await doctor.examine({ only: ['TEMPLATES'] }))).toMatchObject([
    { level: 'ok', found: '1 queued job looked at: all fit their templates.' },
  ]);
  await application.queues.enqueue('letters', { to: 'secret@example.com' }, { name: 'send' });
  await application.queues.enqueue(
    'letters',
    { to: 'secret@example.com', copies: 'secret' },
    { name: 'send', delayMs: 60_000 },
  );
  const [finding] = of('TEMPLATES', await doctor.examine({ only: ['TEMPLATES'] }));
  expect(finding).toMatchObject({
    level: 'critical',
    found: expect.stringMatching(
      /^2 of 3 queued jobs of letters\/send .* do not fit its schema: copies: /,
    ),
  });
  expect(JSON.stringify(finding)).not.toContain('secret');
});

it('looks at those of further templates that a deploy names', async () => {
  await application.queues.enqueue('parcels', { weight: '7 kg' });
  const found = of('TEMPLATES', await doctor.examine({ templates: [Parcels] })).map(
    (finding) => finding.found,
  );
  expect(found).toEqual([
    expect.stringContaining('of parcels that'),
    expect.stringContaining('of letters/send that'),
  ]);
});

it('names what is queued and this build has no handler for', async () => {
  expect(of('HANDLERS', await doctor.examine({ only: ['HANDLERS'] }))).toMatchObject([
    {
      level: 'warning',
      found: 'This build has no handler for what is queued: queue "parcels" (1 job).',
    },
  ]);
  await database.query(
    `insert into simple_queue.lease (id, shard, worker, expires_at, lanes) select gen_random_uuid(), 0, 'old', now() + interval '1 hour', array_agg(id) from simple_queue.lane`,
  );
  expect(of('HANDLERS', await doctor.examine({ only: ['HANDLERS'] }))[0]).toMatchObject({
    level: 'notice',
  });
});

it('names transactional handlers that want more than half of the pool', async () => {
  expect(
    of('TRANSACTIONAL_HANDLERS', await doctor.examine({ only: ['TRANSACTIONAL_HANDLERS'] })),
  ).toMatchObject([
    {
      level: 'notice',
      found: expect.stringMatching(
        /may run 20 jobs, but take at most half of the pool of 10 connections at once: 5\.$/,
      ),
    },
  ]);
});
