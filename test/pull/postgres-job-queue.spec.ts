import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { Rows } from '../support/rows.js';
import { CONTRACT_OPTIONS, jobQueueContract } from './job-queue.contract.js';
import { checkPlaces } from '../support/check-places.js';

describe('PostgresJobQueue', () => {
  let database: TestDatabase;
  let application: TestApplication;

  beforeAll(async () => {
    database = await aDatabase();
    application = await anApplication(database, {
      options: { ...PATIENT, ...CONTRACT_OPTIONS, worker: false, pollIntervalMs: 10 },
    });
  });
  afterAll(async () => {
    await application.close();
    await database.drop();
  });

  jobQueueContract(async () => ({
    queue: application.app.get(JobQueue),
    outlive: async (leaseId) => {
      await database.query(
        `update simple_queue.lease set expires_at = now() - interval '1 second' where id = $1`,
        [leaseId],
      );
    },
    untilDue: async (jobId) => {
      await database.query(`update simple_queue.job set run_at = now() where id = $1`, [jobId]);
      await database.query(
        `update simple_queue.scheduled s set run_at = j.run_at from simple_queue.job j where s.id = j.id and j.id = $1`,
        [jobId],
      );
    },
    close: async () => {
      expect(await checkPlaces(application.storage)).toEqual([]);
      await new Rows(database).clear();
    },
  }));
});
