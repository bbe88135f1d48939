import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { firstWords } from '../support/child.js';
import { compiled } from '../support/compiled.mjs';
import { aStorage, type TestStorage } from '../support/storage.js';
import { OWN } from './a-dashboard.js';

const MAIN = compiled('lib/cli/main.ts');

let test: TestStorage;
beforeAll(async () => {
  test = await aStorage();
  await test.rows.lane('mail');
});
afterAll(() => test.close());

/** Of a name that a foreign DNS server leads here. */
const statusAs = (host: string, url: string): Promise<number | undefined> =>
  new Promise((resolve, reject) =>
    request(url, { headers: { host } }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end(),
  );

it.each([
  ['all', [], 200],
  ['what is to be seen', ['--read-only'], 403],
])('simple-queue dashboard shows %s to who knows its address', async (_, flags, status) => {
  const env = { ...process.env, DATABASE_URL: test.database.url, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, [MAIN, 'dashboard', '--json', ...flags], { env });
  const ended = once(child, 'close');
  const { url } = JSON.parse(await firstWords(child)) as { url: string };
  let more = '';
  child.stdout.on('data', (chunk: Buffer) => (more += chunk.toString()));
  const { origin } = new URL(url);
  expect((await fetch(url)).status).toBe(200);
  expect(await (await fetch(`${url}/api/overview`)).json()).toMatchObject({
    queues: [{ queue: 'mail' }],
  });
  for (const other of [origin, `${origin}/api/overview`, `${url}x/api/overview`, `${url}/toString`])
    expect((await fetch(other)).status).toBe(404);
  expect(await statusAs('evil.example', url)).toBe(404);
  const body = JSON.stringify({ queue: 'mail' });
  const acted = await fetch(`${url}/api/pause`, { method: 'POST', headers: OWN, body });
  expect(acted.status).toBe(status);
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(130);
  // Programs read it: the log of what is done is elsewhere.
  expect(more).toBe('');
});
