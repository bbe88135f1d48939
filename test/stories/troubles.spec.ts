import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueHealth } from '../../lib/health/queue-health.js';
import type { Trouble } from '../../lib/job/trouble.js';
import { openTelemetry } from '../../lib/opentelemetry/opentelemetry.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { anApplication, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import { endedJobs } from '../support/ended-jobs.js';
import { Rows } from '../support/rows.js';
import { aStorage, type TestStorage } from '../support/storage.js';
import { TestTelemetry } from '../support/telemetry.js';

/** What waits for a person is one list, whoever asks. */
describe('troubles of several kinds at once', () => {
  let test: TestStorage;
  let application: TestApplication;
  const sdk = new TestTelemetry();

  beforeAll(async () => {
    test = await aStorage();
    const telemetry = openTelemetry({ meterProvider: sdk.meterProvider, depthMs: 0 });
    application = await anApplication(test.database, { options: { worker: false, telemetry } });
  });
  afterAll(async () => {
    await application.close();
    await test.close();
    await sdk.close();
  });

  const look = (...argv: string[]) => cli(argv, { env: { DATABASE_URL: test.database.url } });
  const short = ({ code, queue, count }: Pick<Trouble, 'code' | 'queue' | 'count'>) =>
    `${code} ${queue ?? ''} ${count}`;
  const fresh = () =>
    new QueueHealth(test.storage, test.options, { state: 'disabled', pulse: undefined });
  const told = async () => {
    const points = await sdk.scrape();
    return points
      .filter(({ name, value }) => name === 'simple_queue.troubles' && value !== 0)
      .map(({ attributes, value }) =>
        short({
          code: attributes['simple_queue.trouble'] as never,
          queue: attributes['messaging.destination.name'] as string,
          count: value as number,
        }),
      );
  };

  it('are the same for status, admin, queues, health, metrics and explain', async () => {
    const rows = new Rows(test.database);
    const paused = await rows.job({ queue: 'paused' });
    await rows.job({ queue: 'orphans', name: 'a' });
    const orphan = await rows.job({ queue: 'orphans', name: 'b' });
    await endedJobs(test, 2, { state: 'failed' });
    const ended = (await rows.lane('idle')).id;
    const lease = await rows.lease('1 hour', 'host:1');
    await test.database.query('update simple_queue.lease set lanes = $2 where id = $1', [
      lease,
      [paused.lane, ended],
    ]);
    await rows.job({ state: 'running', lease: await rows.lease('-10 minutes', 'host:9') });
    await test.database.query(
      `update simple_queue.queue set paused_at = now() - interval '3 hours' where name = 'paused'`,
    );

    const { json } = await look('status', '--json');
    const { troubles } = json as { troubles: Trouble[] };
    const codes = ['NO_HANDLER', 'NO_HANDLER', 'WORKER_SILENT', 'PAUSED_QUEUES', 'DEAD_LETTERS'];
    expect(troubles.map(({ code }) => code)).toEqual(codes);

    const admin = application.app.get(QueueAdmin, { strict: false });
    expect((await admin.troubles()).map(short)).toEqual(troubles.map(short));
    const { queue } = await fresh().isHealthy('queue', { timeoutMs: 60_000 });
    expect(queue.status).toBe('up');
    expect(queue.troubles!.map(short)).toEqual(troubles.map(short));
    expect(JSON.stringify(queue)).not.toContain('host:9');
    // Both jobs without a handler are of one queue, and make one point.
    const points = troubles.map(short).filter((each) => !each.startsWith('NO_HANDLER'));
    expect((await told()).sort()).toEqual([...points, 'NO_HANDLER orphans 2'].sort());
    const { out } = await look('queues');
    expect(out).toMatch(/paused .* PAUSED_QUEUES\n/);
    expect(out).toMatch(/orphans .* NO_HANDLER\n/);
    for (const [id, code] of [
      [paused.id, 'PAUSED_QUEUES'],
      [orphan.id, 'NO_HANDLER'],
    ] as const)
      expect(await admin.explain(id)).toMatchObject({ troubles: [{ code }] });
  });

  it('without a live worker each queue with jobs says so; an idle pause is only a pause', async () => {
    await test.rows.clear();
    expect(await told()).toEqual([]);
    await test.rows.job({ queue: 'mail' });
    await test.rows.lane('paused');
    const { out } = await look('queues');
    expect(out).toMatch(/mail .* NO_WORKER\n/);
    expect(out).toMatch(/paused .* paused\n/);
    expect(await told()).toEqual(['NO_WORKER  1']);
  });

  it('a pause does not hide that nobody has a handler either', async () => {
    await test.rows.clear();
    const { id } = await test.rows.job({ queue: 'paused' });
    await test.rows.lease('1 hour', 'host:1');
    const { out } = await look('queues');
    expect(out).toMatch(/paused .* NO_HANDLER, PAUSED_QUEUES\n/);
    const { troubles } = (await look('explain', id, '--json')).json as { troubles: Trouble[] };
    expect(troubles.map(({ code }) => code)).toEqual(['NO_HANDLER', 'PAUSED_QUEUES']);
    await test.rows.clear();
  });

  it('that cannot be read make health neither down nor late', async () => {
    await test.database.query('alter table simple_queue.lease rename to lease_away');
    const { queue } = await fresh().isHealthy('queue', { timeoutMs: 60_000 });
    await test.database.query('alter table simple_queue.lease_away rename to lease');
    expect(queue).toMatchObject({ status: 'up', deadLetters: expect.any(Number) });
    expect(queue).not.toHaveProperty('troubles');
  });

  it('name overdue schedules, and limits under which nothing starts, as the doctor does', async () => {
    const admin = new QueueAdmin(test.storage, test.options);
    const of = async (...codes: string[]) =>
      (await admin.troubles()).filter(({ code }) => codes.includes(code));
    const schedules = new QueueSchedules(test.storage, test.options, { events: test.events });
    for (const name of ['on time', 'late one', "the 'latest'", 'paused'])
      await schedules.put(name, { target: 'mail', everyMs: '1d' });
    await schedules.pause('paused');
    const late = `next_at = now() - case name when 'late one' then interval '10 minutes' else interval '5 hours' end`;
    await test.database.query(`update simple_queue.schedule set ${late} where name <> 'on time'`);
    const limit = (name: string, parts: string) =>
      test.database
        .query(`insert into simple_queue.fleet_limit (name, shard, of_queue, rule, concurrency, held_until, rate, per_ms, step_ms, burst, next_at)
        select '${name}', 0, ${parts}`);
    const none = 'null, null, null, null, now()';
    await limit('open', `false, '', 3, null, ${none}`);
    await limit('moment', `false, '', 3, now() + interval '30 seconds', ${none}`);
    await limit('smtp', `false, '', 3, now() + interval '3 minutes', ${none}`);
    await limit('mail', `true, '', 3, '9999-01-01', ${none}`);
    await limit(
      'slow',
      `false, '', null, null, 1, 86400000, 86400000, 1, now() + interval '20 hours'`,
    );
    expect(await of('SCHEDULES', 'LIMITS')).toMatchObject([
      { level: 'warning', count: 2, text: "2 schedules are overdue, the longest for 5 hours: the 'latest', late one." },
      { level: 'warning', queue: 'mail', fix: 'npx --no simple-queue limits reset mail --rest' },
      { level: 'notice', text: 'Limit "smtp" rests for another 3 minutes, since a handler was told to slow down: nothing starts under it.' },
    ]); // prettier-ignore
    const { json } = await look('doctor', '--only', 'SCHEDULES,LIMITS', '--json');
    const { findings } = json as { findings: { found: string }[] };
    const texts = (await of('SCHEDULES', 'LIMITS')).map(({ text }) => text);
    expect(findings.map(({ found }) => found)).toEqual(expect.arrayContaining(texts));
    await schedules.remove("the 'latest'");
    await test.database.query('delete from simple_queue.fleet_limit');
    expect((await of('SCHEDULES', 'LIMITS')).map(({ text }) => text)).toEqual([
      '1 schedule is overdue for 10 minutes: late one.',
    ]);
    await schedules.remove('late one');
  });
});
