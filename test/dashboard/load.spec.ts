import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { restAfter } from '../../lib/dashboard/feed.js';
import { statementsOf } from '../../lib/dashboard/looks.js';
import { LIST_QUEUES } from '../../lib/storage/reading/list-queues.sql.js';
import { eventually } from '../support/eventually.js';
import type { TestDatabase } from '../support/database.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aDatabase } from '../support/template.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

const TABS = 10;
/** Per second, however many tabs are open. */
const MOST = 3;
/** One tab each. */
const PAGES = ['jobs', 'errors', 'schedules', 'workflows', 'workers', 'limits', 'audit', 'series', 'queues', 'jobs?state=scheduled']; // prettier-ignore
/** The first look has nothing to share. */
const FIRST_LOOK = 12;
const START = LIST_QUEUES.text.trim().slice(0, 60);

let database: TestDatabase;
let dashboard: TestDashboard;
beforeAll(async () => {
  database = await aDatabase();
  dashboard = await aDashboard(database);
});
afterAll(async () => {
  await dashboard.close();
  await database.drop();
});

it(`costs at most ${MOST} statements per second with ${PAGES.length} tabs on as many pages, where all changes all the time`, async () => {
  const recorded = recordStatements();
  // What a round of looks costs, by the rest that follows it: no clock is asked.
  for (const page of PAGES) expect((await dashboard.get(`/queues/api/${page}`)).status).toBe(200);
  await dashboard.get('/queues/api/overview');
  recorded.stop();
  const asked = recorded.names.filter((text) => text !== 'begin' && text !== 'commit');
  expect(asked.length).toBeGreaterThan(PAGES.length);
  const counted = [...PAGES, 'overview'].reduce((sum, page) => sum + statementsOf(page.replace(/\?.*/, '')), 0); // prettier-ignore
  expect(asked.length / (restAfter(counted) / 1_000)).toBeLessThanOrEqual(MOST);
  expect(restAfter(statementsOf('overview') + statementsOf('series'))).toBe(2_000);
});

it(`costs at most ${MOST} statements per second with ${TABS} tabs open, where nothing changes`, async () => {
  const recorded = recordStatements();
  const startedAt = performance.now();
  const tabs = Array.from({ length: TABS }, () => dashboard.get('/queues/events'));
  const streams = await Promise.all(tabs);
  // A page's statements have no names: each has a time limit of its own.
  const looks = () => recorded.names.filter((text) => text.startsWith(START)).length;
  await eventually(() => expect(looks()).toBeGreaterThanOrEqual(5));
  const seconds = (performance.now() - startedAt) / 1_000;
  recorded.stop();
  expect(recorded.names.length).toBeLessThanOrEqual(FIRST_LOOK + MOST * seconds);
  for (const stream of streams) await stream.body!.cancel();
});
