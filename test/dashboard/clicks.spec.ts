import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueService, UnprocessableError } from 'nestjs-simple-queue';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { aHandler } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { endedJobs } from '../support/ended-jobs.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { patient } from '../support/patience.mjs';
import { Rows } from '../support/rows.js';
import { aDatabase } from '../support/template.js';
import { aBrowser, buildPage, CHROMIUM, type TestBrowser } from './a-browser.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

const PICTURES = process.env.SQ_PICTURES;
const reason = CHROMIUM ? '' : ' (skipped: no chromium is installed, nor named in SQ_CHROMIUM)';
/** Without a blank, so that it can nowhere be broken. */
const EVIL = `"'><img/src=x/onerror=window.hacked=1></script><script>window.hacked=1</script>\u202e${'W'.repeat(80)}`;
const LONG = 'w'.repeat(100);

(CHROMIUM ? describe : describe.skip)(`clicks in a browser${reason}`, () => {
  const gate = aGate();
  const [paid, known] = [{ is: false }, { is: false }];
  let database: TestDatabase;
  let dashboard: TestDashboard;
  let browser: TestBrowser;

  beforeAll(async () => {
    buildPage();
    database = await aDatabase();
    const evil = (): never => {
      throw Object.assign(new UnprocessableError(EVIL), { name: EVIL, code: EVIL });
    };
    const pay = () => {
      if (!paid.is) throw new UnprocessableError('the card was declined');
    };
    const providers = [
      aHandler('evil', evil),
      aHandler('pay', pay, { maxAttempts: 1 }),
      aHandler('stock', ({ payload }) => (payload === 'lost' && !known.is ? Promise.reject(new UnprocessableError('nobody knows it')) : { id: 7 })), // prettier-ignore
      aHandler('video', () => gate.passed),
    ];
    const actor = () => EVIL;
    [dashboard, browser] = await Promise.all([aDashboard(database, { options: { worker: true }, dashboard: { actor }, module: { providers } }), aBrowser()]); // prettier-ignore
    browser.page.setDefaultTimeout(patient(10_000));
  }, patient(60_000));
  afterAll(async () => {
    gate.open();
    await browser.close();
    await dashboard.close();
    await database.drop();
  });

  const flows = () => dashboard.app.get(QueueWorkflows);
  const open = async (hash: string): Promise<void> => {
    await browser.page.goto(`${dashboard.origin}/queues${hash}`);
    await browser.page.getByText('Looking…').waitFor({ state: 'detached' });
  };
  const untilFlowIs = (id: string, state: string) =>
    eventually(async () => expect((await flows().find(id))?.state).toBe(state));
  /** As those of `browser.spec`. */
  const picture = async (name: string): Promise<void> => {
    if (!PICTURES) return;
    const { context, page } = browser;
    for (const theme of ['light', 'dark']) {
      await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
      const session = await context.newCDPSession(page);
      const shot = { format: 'webp', quality: 70 } as const;
      const { data } = await session.send('Page.captureScreenshot', shot);
      writeFileSync(`${PICTURES}/${name}-${theme}.webp`, Buffer.from(data, 'base64'));
    }
  };

  it('retries what failed of a workflow, and follows it to its end', async () => {
    const { page } = browser;
    const order = workflow('order')
      .step('reserve', 'stock', 'mug')
      .step('pay', 'pay', {}, { after: 'reserve' })
      .step('ship', 'stock', 'parcel', { after: 'pay' });
    const { id } = await flows().start(order);
    await untilFlowIs(id, 'failed');
    await open('#/workflows');
    await page.getByRole('link', { name: 'order' }).click();
    await page.locator('[data-step=pay]', { hasText: 'the card was declined' }).waitFor();
    paid.is = true;
    await page.getByRole('button', { name: 'Retry what failed' }).click();
    await page.getByText('What failed of it runs again.').waitFor();
    await untilFlowIs(id, 'succeeded');
    // Nobody has loaded it again.
    await page.locator('[data-step=ship]', { hasText: 'succeeded' }).waitFor();
    await page.getByText('attempt').first().waitFor();
    await page.getByRole('button', { name: 'Retry what failed' }).waitFor({ state: 'detached' });
  });

  it('offers for the job of a failed step what works: the retry of its workflow', async () => {
    const { page } = browser;
    paid.is = false;
    const { id } = await flows().start(workflow('rent').step('pay', 'pay', {}));
    await untilFlowIs(id, 'failed');
    await open(`#/job?id=${(await flows().find(id))!.steps[0]!.ids[0]!}`);
    const button = page.getByRole('button', { name: 'Retry its workflow' });
    await button.waitFor();
    expect(await page.getByRole('button', { name: 'Run again' }).count()).toBe(0);
    paid.is = true;
    await button.click();
    await page.getByText('What failed of it runs again.').waitFor();
    await untilFlowIs(id, 'succeeded');
    await button.waitFor({ state: 'detached' });
  });

  it('cancels a workflow once somebody is sure, and shows what is compensated, and what could not be', async () => {
    const { page } = browser;
    const film = workflow('film')
      .step('licence', 'stock', 'film', { compensate: ['stock', 'give back'] })
      .step('store', 'stock', 'disk', { after: 'licence', compensate: ['stock', 'lost'] })
      .each('cut', 'video', Array.from({ length: 30 }, (_, n) => n), { after: 'store' }); // prettier-ignore
    const { id } = await flows().start(film);
    await eventually(async () => {
      const { steps } = (await flows().find(id))!;
      expect(steps.at(-1)).toMatchObject({ state: 'running', jobs: 30 });
    });
    await open(`#/workflow?id=${id}`);
    await page.locator('[data-step=cut]', { hasText: '× 30' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').getByText('Nothing more of it begins').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'No' }).click();
    expect(await flows().find(id)).toMatchObject({ state: 'running' });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('The workflow is being cancelled.').waitFor();
    gate.open();
    await untilFlowIs(id, 'stuck');
    await page.locator('[data-step=store] .undo', { hasText: 'nobody knows it' }).waitFor();
    await page.locator('[data-step=licence] .undo').waitFor();
    await picture('compensation');
    known.is = true;
    await page.getByRole('button', { name: 'Retry what failed' }).click();
    await untilFlowIs(id, 'compensated');
    await page.locator('[data-step=licence] .undo', { hasText: 'succeeded' }).waitFor();
  });

  it('looks on through jobs that do not match, until one does', async () => {
    const { page } = browser;
    const rows = new Rows(database);
    await endedJobs({ database, rows } as never, 1_500, { queue: 'many' });
    const first = `00000000-0000-7000-8000-${'0'.repeat(12)}`;
    await database.query(`update simple_queue.dead_letter set id = $1, payload = '{"order":42}' where id = (select min(id::text)::uuid from simple_queue.dead_letter where lane = (select id from simple_queue.lane where queue = (select id from simple_queue.queue where name = 'many')))`, [first]); // prettier-ignore
    await open('#/jobs?state=failed&queue=many&q=payload.order:42');
    await page.getByText('None among the 700 jobs that were read.').waitFor();
    await page.getByRole('button', { name: 'Look on until one matches' }).click();
    await page.getByRole('link', { name: first }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' });
  });

  it('shows names and texts that want to be more than text, and longer than a screen, on each page', async () => {
    const { page } = browser;
    const [queues, admin] = [dashboard.app.get(QueueService), dashboard.app.get(QueueAdmin)];
    const said = { uniqueKey: EVIL, fingerprint: EVIL, group: EVIL, headers: { [LONG]: EVIL } };
    const { id } = await queues.enqueue('evil', { [EVIL]: EVIL }, said);
    await eventually(async () => expect((await queues.find(id))?.state).toBe('unprocessable'));
    await queues.enqueue(LONG, EVIL, { name: LONG, labels: ['l'.repeat(64)] });
    await admin.pause(LONG);
    await admin.setLimit(LONG, { fleetConcurrency: 3 });
    await dashboard.app.get(QueueSchedules).put(LONG, { cron: '0 2 * * *', target: LONG, job: { uniqueKey: EVIL } }); // prettier-ignore
    await database.query(`update simple_queue.schedule set name = $1`, [EVIL]);
    const worker = await new Rows(database).lease('1 hour', EVIL);
    await database.query(`update simple_queue.lease set about = $2, lanes = array(select id from simple_queue.lane) where id = $1`, [worker, { host: EVIL, version: EVIL, loopMs: 1, memoryMb: 1 }]); // prettier-ignore
    const flow = await flows().start(workflow(LONG).step(LONG, 'evil', EVIL), { uniqueKey: EVIL });
    await untilFlowIs(flow.id, 'failed');
    const queue = encodeURIComponent(LONG);
    const places = [`overview`, `queues`, `queue?queue=${queue}`, `queue?queue=evil`, `jobs`, `job?id=${id}`, `errors`, `schedules`, `schedule?name=${encodeURIComponent(EVIL)}`, `workers`, `workflows`, `workflow?id=${flow.id}`, `limits`, `audit`]; // prettier-ignore
    const shown: string[] = [];
    const tooWide: string[] = [];
    for (const place of places)
      for (const width of [1_280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await open(`#/${place}`);
        await page.locator('main h1').waitFor();
        expect([place, await page.evaluate('window.hacked')]).toEqual([place, undefined]);
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
        if (wide > width) tooWide.push(`${place} ${width}`);
        shown.push((await page.locator('main').textContent())!);
      }
    expect(tooWide).toEqual([]);
    expect(shown.filter((text) => text.includes('<img/src=x')).length).toBeGreaterThan(10);
    expect(shown.filter((text) => text.includes('\u202e'))).toEqual([]);
  });
});
