import { expect, it } from '@jest/globals';
import { drain } from 'nestjs-simple-queue/testing';
import { QueueWorkflows } from 'nestjs-simple-queue/workflows';
import { PATIENT } from '../support/application.js';
import { aStory } from '../support/story.js';
import { UNHURRIED } from '../support/unhurried.js';
import { Accounts, Mail, PublishPage, Signups, Tiles } from './signup.js';

const story = aStory(PATIENT);

it('stores a user and a workflow together, and publishes what its tiles have returned', async () => {
  await story.database.query('create table users (email text primary key)');
  const providers = [Accounts, Mail, Tiles, PublishPage, Signups];
  const { app, dataSource } = await story.start({
    providers,
    options: { worker: { autoStart: false } },
  });
  const signups = app.get(Signups);

  const id = await dataSource.transaction((manager) => signups.start('a@example.org', manager));
  await drain(app, UNHURRIED);

  const found = await app.get(QueueWorkflows, { strict: false }).find(id);
  expect(found!.steps.map(({ name, state }) => [name, state])).toEqual([
    ['account', 'succeeded'],
    ['mail', 'succeeded'],
    ['tile', 'succeeded'],
    ['page', 'succeeded'],
    ['alert', 'skipped'],
  ]);
  expect(app.get(PublishPage).published).toEqual([['/tiles/0', '/tiles/1', '/tiles/2']]);
});
