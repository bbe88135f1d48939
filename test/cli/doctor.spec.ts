import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Finding } from '../../lib/doctor/finding.js';
import { cli } from '../support/cli.js';
import { aStorage, type TestStorage } from '../support/storage.js';

let test: TestStorage;

beforeAll(async () => void (test = await aStorage()));
afterAll(() => test.close());

const doctor = (...flags: string[]) => cli(['doctor', '--url', test.database.url, ...flags]);
/** What does not depend on the server that the tests run on. */
const OURS = ['--only', 'SCHEMA,schema_drift,NO_WORKER,PLACES'];

it('says what it has looked at, and succeeds where nothing is wrong', async () => {
  const { code, out } = await doctor(...OURS);
  expect(code).toBe(0);
  expect(out).toContain('ok       SCHEMA Schema "simple_queue" is at version 1.\n');
  expect((await doctor(...OURS, '--json')).json).toMatchObject({
    findings: [{ level: 'ok' }, { level: 'ok' }, { level: 'ok' }, { level: 'ok' }],
  });
});

it('fails for warnings only when it is strict', async () => {
  await test.rows.job({ queue: 'orphans' });
  const [loose, strict] = [await doctor(...OURS), await doctor(...OURS, '--strict')];
  expect([loose.code, strict.code]).toEqual([0, 1]);
  expect(strict.out).toMatch(
    /^warning {2}NO_WORKER No worker is alive, and 1 job waits\.\n {9}Start a process of the application that has a worker\.\n/,
  );
});

it('fails for what is critical, as a deploy wants it', async () => {
  await test.database.query('drop index simple_queue.job_cancel');
  const { code, json } = await doctor(...OURS, '--json');
  expect(code).toBe(1);
  expect((json as { findings: Finding[] }).findings[0]).toMatchObject({
    code: 'SCHEMA_DRIFT',
    level: 'critical',
  });
});

it('looks at a server without tables, and at everything where nothing is chosen', async () => {
  const { code, out } = await doctor('--schema', 'elsewhere');
  expect(code).toBe(1);
  expect(out).toContain('There are no queue tables in schema "elsewhere".');
  expect(out).toContain('ok       POOLER');
});

it('refuses what it does not know', async () => {
  const { code, err } = await doctor('--only', 'LUCK');
  expect(code).toBe(2);
  expect(err).toContain('only[0] must be "');
});
