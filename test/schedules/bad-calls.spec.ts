import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { aDashboard } from '../dashboard/a-dashboard.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';

const NAMES = ['', 'x\0', 'x'.repeat(201), '\ud800', ' minutely'];
const [PAST, LATER] = ['2026-11-01T00:00:00Z', '2026-11-01T01:00:00Z'];
const SPANS: [string, string, number?][] = [
  ...['x', '', '0', '-1', '1e400', '2026-02-31', '2026-13-01'].map((from): [string, string] => [from, LATER]), // prettier-ignore
  ...[PAST, '2026-02-30', '2099-01-01T00:00:00Z', '2'].map((to): [string, string] => [PAST, to]),
  [LATER, PAST],
  ['2020-01-01', LATER, 413],
];

/** What cannot be asked of a schedule, at each door behind which somebody may ask. Each is refused, and nothing is written. */
describe('what cannot be asked of a schedule', () => {
  let database: TestDatabase;
  let dashboard: Awaited<ReturnType<typeof aDashboard>>;

  beforeAll(async () => {
    database = await aDatabase();
    dashboard = await aDashboard(database);
    const rule = { cron: '* * * * *', target: 'reports', startAt: new Date(0) };
    await dashboard.app.get(QueueSchedules).put('minutely', rule);
  });
  afterAll(async () => {
    await dashboard.close();
    await database.drop();
  });

  const rows = () =>
    database.query('select s.*, (select count(*) from simple_queue.tick) as ticks, (select count(*) from simple_queue.job) as jobs from simple_queue.schedule s'); // prettier-ignore
  const post = async (act: string, body: object) =>
    (await dashboard.post(`/queues/api/${act}`, body)).status;
  const run = async (...argv: string[]) => {
    const { code, out, err } = await cli(['schedules', ...argv], { env: { DATABASE_URL: database.url } }); // prettier-ignore
    expect({ out, err }).toEqual({ out: '', err: expect.stringMatching(/^error: \S/) });
    return code;
  };

  it('is refused by name', async () => {
    const before = await rows();
    for (const act of ['pause', 'resume', 'run']) {
      for (const name of NAMES)
        expect([name, await run(act, name), await post(`${act}-schedule`, { name })]).toEqual([name, 2, 400]); // prettier-ignore
      expect([await run(act, 'minutly'), await post(`${act}-schedule`, { name: 'minutly' })]).toEqual([1, 404]); // prettier-ignore
      for (const name of [7, null, {}, [], undefined])
        expect([name, await post(`${act}-schedule`, { name })]).toEqual([name, 400]);
    }
    expect(await rows()).toEqual(before);
  });

  it('is refused by its span', async () => {
    const before = await rows();
    for (const [from, to, status = 400] of SPANS) {
      const code = await run('backfill', 'minutely', '--from', from, '--to', to);
      const answer = await post('backfill-schedule', { name: 'minutely', from, to, dryRun: false });
      expect([from, to, code, answer]).toEqual([from, to, status === 400 ? 2 : 1, status]);
    }
    expect(await rows()).toEqual(before);
  });
});
