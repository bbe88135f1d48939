import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { TestDatabase } from '../support/database.js';
import { patient } from '../support/patience.mjs';
import { aDatabase } from '../support/template.js';
import { aBrowser, buildPage, CHROMIUM, type TestBrowser } from './a-browser.js';
import { aNight, DEAD_WORKER, POISON, STUCK_WORKER } from './a-night.js';

const MOST_CLICKS = 3;
const PICTURES = process.env.SQ_PICTURES;
const reason = CHROMIUM ? '' : ' (skipped: no chromium is installed, nor named in SQ_CHROMIUM)';

type Ids = Awaited<ReturnType<typeof aNight>>['ids'];

interface Journey {
  /** What the overview says is wrong. */
  wrong: string | RegExp;
  /** One click each, behind what was clicked before. */
  clicks: ((page: Page, ids: Ids) => Locator)[];
  /** What the page says then. */
  cause: (ids: Ids) => (string | RegExp)[];
}

const show =
  (text: string | RegExp) =>
  (page: Page): Locator =>
    page.locator('.troubles li', { hasText: text }).getByRole('link', { name: 'Show' });
const link =
  (name: (ids: Ids) => string) =>
  (page: Page, ids: Ids): Locator =>
    page.locator('main').getByRole('link', { name: name(ids) }).first(); // prettier-ignore

const JOURNEYS: Record<string, Journey> = {
  'a failing third party': {
    wrong: 'connect ECONNREFUSED 10.1.2.3:587',
    clicks: [(page) => page.locator('tr', { hasText: 'ECONNREFUSED' }).locator('a.id')],
    cause: () => [
      'Error (ECONNREFUSED): connect ECONNREFUSED',
      'It runs again at',
      'after 1 attempt',
    ],
  },
  'a dead worker': {
    wrong: `Worker ${DEAD_WORKER} is silent`,
    clicks: [show(DEAD_WORKER)],
    cause: () => [DEAD_WORKER, 'silent', '45 s', '3,900 MB'],
  },
  'a poisoned job': {
    wrong: 'was poisoned within a day',
    clicks: [show('poisoned'), link(({ poison }) => poison)],
    cause: () => [POISON, 'crashes of its process'],
  },
  'a blocked group': {
    wrong: /ordered group is blocked .* by job .* which failed/,
    clicks: [link(({ ledger }) => ledger)],
    cause: () => ['account 7 is closed', 'account 7'],
  },
  'a blocked group, by its queue': {
    wrong: /ordered group is blocked .* by job .* which failed/,
    clicks: [show('ordered group'), link(({ ledger }) => ledger)],
    cause: () => ['account 7 is closed'],
  },
  'a paused queue': {
    wrong: 'Queue "webhooks" is paused for 3 hours',
    clicks: [show('is paused')],
    cause: () => [/paused 3 h ago/, 'ada@example.com', 'is paused since'],
  },
  'runs that do not end': {
    wrong: /The only slot of worker .* for queue "exports" is taken by runs that do not end/,
    clicks: [
      link(({ hung }) => hung),
      (page) => page.getByRole('button', { name: 'Cancel' }),
      (page) => page.getByRole('dialog').getByRole('button', { name: 'Cancel' }),
    ],
    cause: () => ['It runs since', STUCK_WORKER, 'It was asked to stop'],
  },
  'a loop of a worker that fails': {
    wrong: 'The loop tick of worker',
    clicks: [show('keeps failing')],
    cause: () => [
      'permission denied for table schedule',
      STUCK_WORKER,
      'What its error names is missing',
    ],
  },
  'a full limit': {
    wrong: /imports: its first job waits for \d+ min/,
    clicks: [link(() => 'imports'), link((ids) => ids.import)],
    cause: () => ['It runs since', 'in imports'],
  },
  'a schedule that does not run': {
    wrong: '1 schedule is overdue for 5 hours: nightly-report',
    clicks: [show('nightly-report')],
    cause: () => ['nobody has enqueued its job', 'SCHEDULE_BROKEN'],
  },
  'a schedule that somebody has paused': {
    wrong: 'Schedules',
    clicks: [
      (page) => page.getByRole('navigation').getByRole('link', { name: 'Schedules' }),
      link(() => 'weekly-report'),
    ],
    cause: () => [/is paused since .* by grace@example.com/],
  },
};

(CHROMIUM ? describe : describe.skip)(`from what is wrong to its cause${reason}`, () => {
  let database: TestDatabase;
  let night: Awaited<ReturnType<typeof aNight>>;
  let browser: TestBrowser;

  beforeAll(async () => {
    buildPage();
    database = await aDatabase();
    [night, browser] = await Promise.all([aNight(database), aBrowser()]);
    browser.page.setDefaultTimeout(patient(10_000));
    await night.post('/queues/api/pause-schedule', { name: 'weekly-report' });
  }, patient(60_000));
  afterAll(async () => {
    await browser?.close();
    await night?.close();
    await database.drop();
  });

  it.each(Object.keys(JOURNEYS))(`${MOST_CLICKS} clicks at most: %s`, async (name) => {
    const { page } = browser;
    const { wrong, clicks, cause } = JOURNEYS[name]!;
    expect(clicks.length).toBeLessThanOrEqual(MOST_CLICKS);
    await page.goto(`${night.origin}/queues#/overview`);
    await page.locator('body', { hasText: wrong }).waitFor();
    await picture('overview');
    for (const click of clicks) await click(page, night.ids).click();
    for (const text of cause(night.ids)) await page.getByText(text).first().waitFor();
    await picture(name);
  });

  it('says of a queue with a full limit who holds it', async () => {
    const { page } = browser;
    await page.goto(`${night.origin}/queues#/queue?queue=imports`);
    await page.getByText('All 1 permits of limit "imports" are given out').waitFor();
    await page.getByText('1 of 1 given out.').waitFor();
    await picture('queue-full');
  });

  async function picture(name: string): Promise<void> {
    if (PICTURES)
      await browser.page.screenshot({ path: `${PICTURES}/night ${name}.png`, fullPage: true });
  }
});
