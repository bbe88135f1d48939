import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { deployCheck } from './deploy-check.js';

let database: TestDatabase;
let application: TestApplication;

beforeAll(async () => {
  database = await anEmptyDatabase();
  const options = { ...PATIENT, worker: { autoStart: false } };
  application = await anApplication(database, {
    options,
    providers: [aHandler('mail', () => undefined)],
  });
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('finds nothing where all is well, and what this build could not run', async () => {
  await application.queues.enqueue('mail', {});
  expect(await deployCheck(application.app)).toEqual([]);
  await application.queues.enqueue('gone', {});
  expect(await deployCheck(application.app)).toMatchObject([
    { code: 'HANDLERS', level: 'warning' },
  ]);
});
