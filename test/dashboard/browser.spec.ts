import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Request } from 'playwright-core';
import { QueueService } from 'nestjs-simple-queue';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { eventually } from '../support/eventually.js';
import type { TestDatabase } from '../support/database.js';
import { patient } from '../support/patience.mjs';
import { aDatabase } from '../support/template.js';
import { aBrowser, buildPage, CHROMIUM, type TestBrowser } from './a-browser.js';
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
    buildPage();
    database = await aDatabase();
    [scene, browser] = await Promise.all([aScene(database), aBrowser()]);
    browser.page.setDefaultTimeout(patient(10_000));
    browser.page.on('pageerror', (error) => complaints.push(error.message));
    browser.page.on('console', (message) => {
      // A database that takes longer than the two seconds of a look is asked again.
      if (message.type() === 'error' && !message.text().includes('status of 503'))
        complaints.push(message.text());
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
    await page.locator('tbody tr').first().waitFor();
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
    // The second key has to come soon behind the first.
    await eventually(async () => {
      await page.keyboard.press('g');
      await page.keyboard.press('q');
      return page.getByRole('heading', { name: 'Queues' }).isVisible();
    });
  });

  it('goes where somebody has gone before the page could hear of it', async () => {
    const page = await browser.context.newPage();
    await page.addInitScript(`{ const listen = window.addEventListener;
      window.addEventListener = (name, ...how) => {
        if (name === 'hashchange') history.replaceState(null, '', '#/workers');
        listen.call(window, name, ...how);
      }; }`);
    await page.goto(`${scene.origin}/queues#/audit`);
    await page.getByRole('heading', { name: 'Workers', exact: true }).waitFor();
    await page.close();
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

  it('leaves connections free when more windows look on than a browser has for an origin', async () => {
    const streams = new Set<Request>();
    const { context } = browser;
    // Their clock goes on by itself, and can be put on.
    await context.clock.install();
    context.on('request', (request) => request.url().endsWith('/events') && streams.add(request));
    context.on('requestfinished', (request) => streams.delete(request));
    context.on('requestfailed', (request) => streams.delete(request));
    const windows = [];
    await open('#/queue?queue=exports');
    await browser.page.getByRole('button', { name: 'Resume' }).click();
    await browser.page.getByRole('button', { name: 'Pause' }).waitFor();
    for (let n = 0; n < 6; n++) {
      const page = await context.newPage();
      await page.goto(`${scene.origin}/queues#/queue?queue=exports`);
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      windows.push(page);
    }

    expect(streams.size).toBeLessThanOrEqual(2);
    await windows[5]!.getByRole('button', { name: 'Pause' }).click();
    for (const page of windows) await page.getByRole('button', { name: 'Resume' }).waitFor();
    // Whoever told the others is gone.
    await Promise.all(windows.splice(0, 3).map((page) => page.close()));
    await windows[2]!.getByRole('button', { name: 'Resume' }).click();
    await context.clock.fastForward(15_000);
    for (const page of windows) await page.getByRole('button', { name: 'Pause' }).waitFor();
    await windows.pop()!.close();
    // Whoever holds a stream hears of nothing but errors: all ask for themselves, with a stream and without.
    const three = [browser.page, ...windows];
    const errors = `{ const others = new BroadcastChannel('simple-queue /queues/'); setInterval(() => others.postMessage(false), 1000); }`;
    await windows[0]!.evaluate(errors);
    await Promise.all(three.map((page) => page.waitForRequest(/\/api\//)));
    await Promise.all(windows.map((page) => page.close()));
  });

  it('sets the limit of a queue and that of each key by itself, and gives them back', async () => {
    const { page } = browser;
    await database.query(
      `insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'exports/*', true, 1, '{}')`,
    );
    await open('#/queue?queue=exports');
    const forms = page.locator('form.row-form').filter({ hasText: 'per seconds' });
    await eventually(async () => (await forms.count()) === 2);
    await forms.nth(1).getByLabel('At once').fill('2');
    await forms.nth(1).getByRole('button', { name: 'Set' }).click();
    await page.getByText('The limit of each key of exports is set.').waitFor();
    await page.getByText('at most 2 of each key at once').waitFor();
    await forms.nth(0).getByLabel('Starts').fill('5');
    await forms.nth(0).getByLabel('per seconds').fill('0.5');
    await forms.nth(0).getByRole('button', { name: 'Set' }).click();
    await page.getByText('at most 5 starts per 500 ms').waitFor();
    await forms.nth(1).getByRole('button', { name: 'Give back to the code' }).click();
    await page.getByText('What processes declare of each key of exports holds again.').waitFor();
    const set = (await scene.app.get(QueueAdmin).limits())
      .filter(({ name }) => name === 'exports')
      .map(({ perKey = false, setAt }) => [perKey, setAt !== undefined]);
    expect(set).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it('says that a job is gone which was there a moment ago', async () => {
    const { page } = browser;
    const { id } = await scene.app.get(QueueService).enqueue('exports', { format: 'gone' });
    await open('#/jobs?queue=exports&state=ready');
    const row = page.locator('tbody tr', { hasText: id });
    await row.getByRole('checkbox').click();
    await database.query('delete from simple_queue.ready where id = $1', [id]);
    await database.query('delete from simple_queue.job where id = $1', [id]);
    await page.getByRole('group', { name: 'Actions' }).getByRole('button', { name: 'Cancel', exact: true }).click(); // prettier-ignore
    await page.getByText(/0 jobs cancelled\. 1 job not: .*no job/i).waitFor();
    complaints.length = 0;
    await open(`#/job?id=${id}`);
    await page.getByRole('alert').filter({ hasText: id }).waitFor();
    // The browser itself says of an answer that it is a 404.
    expect(complaints.every((line) => line.includes('404'))).toBe(true);
    await open('#/overview');
    complaints.length = 0;
    // Without the news of what was done.
    await page.reload();
  });

  it('draws a workflow of a thousand steps folded, what needs a look first', async () => {
    const { page } = browser;
    const wide = workflow('wide').step('first', 'exports', {});
    const names = Array.from({ length: 1_000 }, (_, n) => `step-${n}`);
    for (const name of names) wide.step(name, 'exports', {}, { after: 'first' } as never);
    for (let n = 0; n < 30; n++)
      wide.step(`chain-${n}`, 'exports', {}, { after: n ? `chain-${n - 1}` : 'step-7' } as never);
    const { id } = await scene.app.get(QueueWorkflows).start(wide);
    await open(`#/workflow?id=${id}`);
    await page.getByText('1,000 steps: 1,000 waiting').waitFor();
    expect(await page.locator('.card').count()).toBeLessThan(60);
    await page.getByRole('button', { name: 'Show 200 more of 980' }).click();
    await eventually(async () => (await page.locator('.layer').nth(1).locator('.card').count()) === 220); // prettier-ignore
    await page.getByRole('button', { name: 'Behind' }).click();
    await page.getByText('chain-29').first().waitFor();
    expect(await page.locator('[data-step=first]').count()).toBe(0);
    await page.getByRole('button', { name: 'Where it is' }).click();
    await page.locator('[data-step=first]').waitFor();
  });

  it('draws a line from each step to those that wait for it', async () => {
    const { page } = browser;
    await open(`#/workflow?id=${scene.flow}`);
    const line = page.locator('.edges path');
    await eventually(async () => expect((await line.getAttribute('d'))?.match(/M/g)).toHaveLength(2)); // prettier-ignore
    const [lines, layers] = await Promise.all([line, page.locator('.layers')].map((each) => each.boundingBox())); // prettier-ignore
    expect(lines!.width).toBeGreaterThan(10);
    expect(lines!.x).toBeGreaterThan(layers!.x);
  });

  it('shows how each queue runs', async () => {
    await open('#/queues');
    const cell = browser.page.locator('tbody tr', { hasText: 'mail' }).locator('.rate');
    await cell.locator('polyline').waitFor({ state: 'attached' });
    expect(await cell.textContent()).toMatch(/^\d+ % fail\s+\d+$/);
  });

  it('makes up for past times of a schedule, once they were seen', async () => {
    const { page } = browser;
    await open('#/schedule?name=nightly-report');
    const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10); // prettier-ignore
    await page.getByLabel('from').fill(`${day(3)}T12:00`);
    await page.getByLabel('to', { exact: true }).fill(`${day(1)}T12:00`);
    await page.getByRole('button', { name: 'Show times without a job' }).click();
    await page.getByText('2 times without a job.').waitFor();
    await page.getByRole('button', { name: 'Enqueue 2 jobs' }).click();
    await page.getByText('2 jobs enqueued.').waitFor();
    await eventually(async () => (await page.getByText('backfilled').count()) === 2);
    // Without the news of what was done.
    await page.reload();
  });

  it('copies a job as a command and a call that have its group, priority and headers', async () => {
    const { page } = browser;
    const later = { delayMs: 86_400_000, group: "a'b", priority: -5, headers: { tenant: 't 1' } };
    const { id } = await scene.app.get(QueueService).enqueue('webhooks', { url: "it's" }, later);
    await open(`#/job?id=${id}`);
    await page.evaluate(`Object.defineProperty(navigator, 'clipboard', {
      value: { writeText: async (text) => void (globalThis.copied = text) } })`);
    const copied = async (label: string): Promise<string> => {
      await page.getByRole('button', { name: label }).click();
      await page.getByText('It does not have the unique key').waitFor();
      return page.evaluate<string>('copied');
    };
    expect(await copied('Copy as command')).toBe(
      `npx --no simple-queue enqueue webhooks '{"url":"it'\\''s"}' --group='a'\\''b' --priority='-5' --header='tenant=t 1'`,
    );
    expect(await copied('Copy as enqueue()')).toBe(
      `await queues.enqueue('webhooks', {"url":"it's"}, {"group":"a'b","priority":-5,"headers":{"tenant":"t 1"}});`,
    );
    await page.reload();
  });

  it('deletes what it has counted, and not what fails while it asks', async () => {
    const { page } = browser;
    const [queues, admin] = [scene.app.get(QueueService), scene.app.get(QueueAdmin)];
    const tomorrow = { runAt: new Date(Date.now() + 86_400_000) };
    const { id } = await queues.enqueue('mail', { to: 'nobody@later.example' }, tomorrow);
    await open('#/jobs?queue=mail&state=unprocessable');
    await page.getByRole('button', { name: 'Delete all…' }).click();
    await page.getByText('Delete 1 job?').waitFor();
    await admin.retry(id);
    await eventually(async () => (await queues.find(id))?.state === 'unprocessable');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Delete: 1 done.').waitFor();
    expect(await jobIn({ queue: 'mail', state: 'unprocessable' })).toBe(id);
    // Without the news of what was done.
    await page.reload();
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
    const session = await browser.context.newCDPSession(browser.page);
    const shot = { format: 'webp', quality: 70 } as const;
    const { data } = await session.send('Page.captureScreenshot', shot);
    writeFileSync(`${PICTURES}/${name}.webp`, Buffer.from(data, 'base64'));
  }
});
