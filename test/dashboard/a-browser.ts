import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a browser is, if there is one: .ci/run installs Debian's. */
export const CHROMIUM = process.env.SQ_CHROMIUM ?? PLACES.find((path) => existsSync(path));

const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** The page, of its sources as they are: where nothing has changed since, it is there already. */
export function buildPage(): void {
  const sources = readdirSync('dashboard', { recursive: true, encoding: 'utf8' }).map(
    (name) => `dashboard/${name}`,
  );
  const newest = Math.max(...['package-lock.json', 'scripts/page.mjs', ...sources].map(changedAt));
  // What the script writes last.
  if (changedAt('dist/page/page.css') <= newest)
    execFileSync(process.execPath, ['scripts/page.mjs']);
}

export interface TestBrowser {
  context: BrowserContext;
  page: Page;
  close(): Promise<void>;
}

/** A real browser with nothing in it. */
export async function aBrowser(): Promise<TestBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'sq-browser-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    headless: true,
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    close: async () => {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
