import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { constant } from '../../lib/job/backoff.js';
import { aHandler, anApplication, type TestApplication } from '../support/application.js';
import { untilJobIs } from '../support/story.js';
import { makeDatabase, type TestDatabase } from '../support/database.js';

describe('in a database that is not UTF8', () => {
  let database: TestDatabase;
  let application: TestApplication;

  beforeAll(async () => {
    const latin = "template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'";
    database = await makeDatabase(process.env.SQ_TEST_URL!, latin);
    application = await anApplication(database, {
      options: { maxAttempts: 2, backoff: constant({ delayMs: 0 }) },
      providers: [
        aHandler('fails', (job) => Promise.reject(new Error(`no 😀 at ${job.attempt}`))),
        aHandler('answers', () => '😀'),
        aHandler('plain', () => 'ü'),
      ],
    });
  });
  afterAll(async () => {
    await application.close();
    await database.drop();
  });

  it('an error with a sign that it lacks costs no attempt, and keeps the rest of its text', async () => {
    const { id } = await application.queues.enqueue('fails', 1);
    expect(await untilJobIs('failed', application, id)).toMatchObject({
      attempt: 2,
      lastError: { message: 'no ? at 2' },
    });
  });

  it('an output with such a sign is left out, and others are kept', async () => {
    const { id } = await application.queues.enqueue('answers', 1);
    const job = await untilJobIs('succeeded', application, id);
    expect(job.output).toBeUndefined();
    const other = await application.queues.enqueue('plain', 1);
    expect(await untilJobIs('succeeded', application, other.id)).toMatchObject({ output: 'ü' });
  });

  it('the doctor says so', async () => {
    const findings = await application.app.get(QueueDoctor).examine();
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'ENCODING',
        level: 'warning',
        found: expect.stringContaining('LATIN1'),
      }),
    );
  });
});
