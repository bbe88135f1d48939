import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { eventually } from '../support/eventually.js';
import type { TestDatabase } from '../support/database.js';
import { patient } from '../support/patience.mjs';
import { aDatabase } from '../support/template.js';
import { aBrowser, CHROMIUM, type TestBrowser } from './a-browser.js';
import { aScene, mended } from './a-scene.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** With it, the pictures of the documents are taken anew. */
const PICTURES = process.env.SQ_PICTURES;

const reason = CHROMIUM ? '' : ' (skipped: no chromium is installed, nor named in SQ_CHROMIUM)';

(CHROMIUM ? describe : describe.skip)(`the page in a browser${reason}`, () => {
  let database: TestDatabase;
  let scene: Awaited<ReturnType<typeof aScene>>;
  let browser: TestBrowser;
  const complaints: string[] = [];

  beforeAll(async () => {
    execFileSync(process.execPath, ['scripts/page.mjs']);
    database = await aDatabase();
    [scene, browser] = await Promise.all([aScene(database), aBrowser()]);
    browser.page.setDefaultTimeout(patient(10_000));
    browser.page.on('pageerror', (error) => complaints.push(error.message));
    browser.page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  }, patient(60_000));
  afterAll(async () => {
    await browser.close();
    await scene.close();
    await database.drop();
  });

  const open = async (hash: string): Promise<void> => {
    await browser.page.goto(`${scene.origin}/queues${hash}`);
    await browser.page.locator('h1').waitFor();
    await browser.page.getByText('Looking…').waitFor({ state: 'detached' });
  };

  const jobIn = async (filter: object): Promise<string> =>
    (await scene.app.get(QueueAdmin).jobs(filter, { limit: 1 })).jobs[0]!.id;

  it('leads from what is wrong to its cause, and through the repair', async () => {
    const { page } = browser;
    await open('');
    await page
      .getByRole('listitem')
      .filter({ hasText: '"mail"' })
      .getByRole('link')
      .first()
      .click();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.locator('tbody tr', { hasText: 'ECONNREFUSED' }).getByRole('link').first().click();
    await page.getByText('connect ECONNREFUSED 10.1.2.3:587').first().waitFor();
    mended.is = true;
    await open('#/jobs?queue=mail&state=failed');
    await page.getByRole('button', { name: 'Run all again…' }).click();
    await page.getByText('Run again 12 jobs?').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Run again' }).click();
    await page.getByText('Run again: 12 done.').waitFor();
    await page.getByText('No job matches.').waitFor();
    const admin = scene.app.get(QueueAdmin);
    await eventually(async () => (await admin.stats('mail')).deadLetters.jobs === 1);
  });

  it('selects rows by keys and by mouse, and acts on them', async () => {
    const { page } = browser;
    await open('#/jobs?queue=mail&state=succeeded');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByText('1 job selected:').waitFor();
    await page
      .locator('tbody input[type=checkbox]')
      .nth(2)
      .click({ modifiers: ['Shift'] });
    await page.getByText('3 jobs selected:').waitFor();
    await page.getByRole('button', { name: 'Run again or now' }).click();
    await page.getByText('3 jobs will run.').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.getByRole('heading', { name: 'Queues' }).waitFor();
  });

  it('finds jobs by what they carry, and shows errors by their fault', async () => {
    const { page } = browser;
    await open('#/errors?queue=mail');
    await page.getByText('no such address').waitFor();
    await page.locator('tbody td a').first().click();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.locator('tbody tr', { hasText: 'no such address' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('payload.to:customer-3@example.com');
    await page.keyboard.press('Enter');
    await eventually(async () => (await page.locator('tbody tr').count()) === 1);
  });

  it('shows hostile payloads as text', async () => {
    const { page } = browser;
    await open(`#/job?id=${scene.hostile}`);
    const text = await page.locator('pre').first().textContent();
    expect(text).toContain('</script><script>');
    expect(text).toContain('invoice\\u202egnp.exe');
    expect(text).toContain('😀');
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('pauses, and another tab sees it without a click', async () => {
    const { page, context } = browser;
    const other = await context.newPage();
    await other.goto(`${scene.origin}/queues#/queue?queue=exports`);
    await other.getByRole('button', { name: 'Pause' }).waitFor();
    await page.bringToFront();
    await open('#/queues');
    const row = page.locator('tbody tr', { hasText: 'exports' });
    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByRole('button', { name: 'Resume' }).waitFor();
    await other.bringToFront();
    await other.getByRole('button', { name: 'Resume' }).waitFor();
    await other.close();
  });

  const PAGES: [name: string, hash: () => string | Promise<string>][] = [
    ['overview', () => '#/overview'],
    ['queues', () => '#/queues'],
    ['queue', () => '#/queue?queue=mail'],
    ['jobs', () => '#/jobs?queue=mail'],
    ['job', async () => `#/job?id=${await jobIn({ queue: 'mail', state: 'unprocessable' })}`],
    ['errors', () => '#/errors'],
    ['schedules', () => '#/schedules'],
    ['schedule', () => '#/schedule?name=nightly-report'],
    ['workers', () => '#/workers'],
    ['workflows', () => '#/workflows'],
    ['workflow', () => `#/workflow?id=${scene.flow}`],
    ['limits', () => '#/limits'],
    ['audit', () => '#/audit'],
  ];

  it.each(PAGES)(
    '%s: axe finds nothing in either theme, nor is it wider than a phone',
    async (name, hash) => {
      const { page } = browser;
      await page.setViewportSize({ width: 1280, height: 800 });
      await open(await hash());
      await page.evaluate(AXE);
      // What has no colours is the same in both.
      const rules = { light: {}, dark: { runOnly: ['color-contrast'] } };
      for (const theme of ['light', 'dark'] as const) {
        await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
        const { violations } = await page.evaluate<AxeResults>(
          `axe.run(${JSON.stringify({ ...rules[theme], resultTypes: ['violations'] })})`,
        );
        const found = violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`,
        );
        expect([theme, found]).toEqual([theme, []]);
        await picture(`${name}-${theme}`);
      }
      await page.setViewportSize({ width: 360, height: 740 });
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      await picture(`${name}-narrow`);
      expect(width).toBeLessThanOrEqual(360);
    },
  );

  it('has said nothing on the console', () => expect(complaints).toEqual([]));

  async function picture(name: string): Promise<void> {
    if (!PICTURES) return;
    mkdirSync(PICTURES, { recursive: true });
    await browser.page.screenshot({ path: `${PICTURES}/${name}.png` });
  }
});
