import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ServiceUnavailableException } from '@nestjs/common';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { SearchIndexService } from './search-index.service.js';

let database: TestDatabase;
let application: TestApplication;
let search: SearchIndexService;

beforeAll(async () => {
  database = await aDatabase();
  application = await anApplication(database, {
    options: { ...PATIENT, worker: false },
    providers: [SearchIndexService],
  });
  search = application.app.get(SearchIndexService);
});

afterAll(async () => {
  await application.close();
  await database.drop();
});

it('indexes the newest text of a page', async () => {
  const { id } = await search.index({ id: 'a', text: 'old' });
  expect(await search.index({ id: 'a', text: 'new' })).toEqual({
    id,
    created: false,
    outcome: 'replaced',
  });
  expect(await application.queues.find(id)).toMatchObject({ payload: { text: 'new' } });
});

it('waits until the author pauses', async () => {
  const { id } = await search.suggestTags('a', 'one');
  expect(await search.suggestTags('a', 'two')).toEqual({
    id,
    created: false,
    outcome: 'postponed',
  });
  expect(await application.queues.find(id)).toMatchObject({
    state: 'scheduled',
    payload: { text: 'two' },
  });
});

it('counts once an hour', async () => {
  expect([await search.recount(), await search.recount()]).toEqual([true, false]);
});

it('is full', async () => {
  await application.queues.enqueueMany(
    'thumbnails',
    Array.from({ length: 10_000 }, () => ({ payload: 1 })),
  );
  await expect(search.thumbnail('cat.png')).rejects.toThrow(ServiceUnavailableException);
});
