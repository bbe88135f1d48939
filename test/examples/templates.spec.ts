import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { OtherLetters, SendInvitation } from './invite.handler.js';
import { Postcards } from './letter.jobs.js';
import { PartiesService } from './parties.service.js';

const AT = '2030-06-21T18:00:00.000Z';
let database: TestDatabase;
let application: TestApplication;
let parties: PartiesService;

beforeAll(async () => {
  database = await aDatabase();
  application = await anApplication(database, {
    options: PATIENT,
    providers: [PartiesService, SendInvitation, OtherLetters],
  });
  parties = application.app.get(PartiesService);
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('parses at both ends', async () => {
  const id = await parties.invite('ann@example.com', AT);
  expect(await parties.sent(id)).toMatchObject({
    state: 'succeeded',
    output: { sentAt: expect.any(Date) },
  });
  expect(await parties.partyOf(id)).toEqual(new Date(AT));
});

it('refuses what does not fit before anything is stored', async () => {
  await expect(parties.invite('not an address', AT)).rejects.toMatchObject({
    code: 'INVALID_PAYLOAD',
  });
});

it('answers a request with what became of the job', async () => {
  // It waits for five seconds.
  await eventually(async () =>
    expect(await parties.inviteNow('bob@example.com', AT)).toMatch(/^sent at \d+$/),
  );
});

it('takes a template of types', async () => {
  expect(
    await application.queues.enqueueAndWait(Postcards, { to: 'Ann', text: 'Hi' }),
  ).toMatchObject({
    output: { messageId: expect.stringContaining('to Ann') },
  });
});
