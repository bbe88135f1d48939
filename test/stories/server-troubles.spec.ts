import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { QueueHealth } from '../../lib/health/queue-health.js';
import type { Trouble, TroubleCode } from '../../lib/job/trouble.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { openTelemetry } from '../../lib/opentelemetry/opentelemetry.js';
import type { Storage } from '../../lib/storage/storage.js';
import { TroubleWatch } from '../../lib/worker/trouble-watch.js';
import { roleScript } from '../../migrations/roles.js';
import { anApplication, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { aStorage, Rival, type TestStorage } from '../support/storage.js';
import { TestTelemetry } from '../support/telemetry.js';

const CODES = ['CONNECTIONS', 'HORIZON', 'PARTITIONS', 'LISTEN'] as const;

/** Of the server, the tables and the process rather than of jobs; as an ordinary role sees them. */
describe('troubles of no queue', () => {
  let test: TestStorage;
  let application: TestApplication;
  let ordinary: string;
  let holder: Rival;
  const sdk = new TestTelemetry();
  const role = `ordinary_${randomBytes(4).toString('hex')}`;
  const kinds = ['enqueue', 'worker', 'operate', 'read'].map((kind) => `${role}_${kind}`);
  const query = (text: string) => test.database.query(text);

  beforeAll(async () => {
    test = await aStorage();
    await query(`create role ${role} login password 'ordinary'`);
    for (const text of roleScript('simple_queue', role)) await query(text);
    await query(`grant ${role}_enqueue, ${role}_operate to ${role}`);
    ordinary = Object.assign(new URL(test.database.url), { username: role, password: 'ordinary' }).href; // prettier-ignore
    const telemetry = openTelemetry({ meterProvider: sdk.meterProvider, depthMs: 0 });
    application = await anApplication(
      { ...test.database, url: ordinary },
      { options: { worker: false, migrate: 'off', telemetry } },
    );
    holder = await Rival.connect(test.database);
  });
  afterAll(async () => {
    await holder.close().catch(() => undefined);
    await application.close();
    for (const each of [role, ...kinds])
      await query(`drop owned by ${each}`).catch(() => undefined);
    for (const each of [role, ...kinds]) await query(`drop role ${each}`).catch(() => undefined);
    await test.close();
    await sdk.close();
  });

  const codesOf = (troubles: readonly Pick<Trouble, 'code'>[] = []): TroubleCode[] =>
    CODES.filter((code) => troubles.some((trouble) => trouble.code === code));
  const from = <Part>(part: new (...given: never[]) => Part): Part =>
    application.app.get(part as never, { strict: false });
  /** Of the application: nobody else knows whether it hears. */
  const storageOf = () => (from(QueueAdmin) as unknown as { storage: Storage }).storage;
  const warnings: Pick<Trouble, 'code'>[] = [];
  const events = new QueueEventBus();
  events.on('warning', ({ code }) => warnings.push({ code: code as TroubleCode }));

  /** What is there, and room for those of one reader. Some may end before it reads: then it is asked once more. */
  async function fill() {
    const [{ n, name }] = (await test.database.query<{ n: number; name: string }>('select numbackends::int as n, datname as name from pg_stat_database where datname = current_database()')) as [{ n: number; name: string }]; // prettier-ignore
    await query(`alter database ${name} connection limit ${n + 6}`);
  }

  /** What each reader names. */
  async function named() {
    await fill();
    const { queue } = await from(QueueHealth).isHealthy('queue', { timeoutMs: 60_000 });
    await fill();
    const findings = await from(QueueDoctor).examine({ only: [...CODES] });
    await fill();
    const points = (await sdk.scrape()).filter(({ name, value }) => name === 'simple_queue.troubles' && value !== 0); // prettier-ignore
    await fill();
    const { json, err } = await cli(['status', '--json'], { env: { DATABASE_URL: ordinary } });
    expect(err).toBe('');
    await fill();
    return {
      admin: codesOf(await from(QueueAdmin).troubles()),
      health: codesOf(queue.troubles),
      doctor: codesOf(findings.filter(({ level }) => level !== 'ok') as never),
      metrics: codesOf(points.map(({ attributes }) => ({ code: attributes['simple_queue.trouble'] })) as never), // prettier-ignore
      // Another process, and one that never listens.
      status: [...codesOf((json as { troubles: Trouble[] }).troubles), 'LISTEN'],
    };
  }

  it('are the same for status, admin, health, doctor and metrics, and said once in the log', async () => {
    const watch = new TroubleWatch(storageOf(), test.options, events);
    await watch.look();
    expect(warnings).toEqual([]);

    const name = new URL(test.database.url).pathname.slice(1);
    const crowd = await Promise.all(Array.from({ length: 60 }, () => Rival.connect(test.database)));
    const [last] = await test.database.query<{ name: string }>(
      `select relname as name from pg_class where relname ~ '^archive_p' and relkind = 'r' order by 1 desc limit 1`,
    );
    await query(`drop table simple_queue.${last!.name}`);
    await holder.query('begin isolation level repeatable read');
    await holder.query('select count(*) from simple_queue.job');
    await query('create table burnt (n int)');
    await query(`do $$ begin for n in 1..10100 loop
      begin insert into burnt values (n); exception when others then null; end;
    end loop; end $$`);
    const deaf = { isListening: false, silentMs: 60_000 };
    Object.defineProperty(storageOf().signals, 'listening', { get: () => deaf });

    const all = [...CODES];
    const look = async () => {
      await fill();
      await watch.look();
    };
    await eventually(async () => {
      await look();
      expect(codesOf(warnings)).toEqual(all);
    });
    // What some connections more or less have said twice meanwhile is not said again.
    warnings.length = 0;
    await look();
    expect(warnings).toEqual([]);
    const same = { admin: all, health: all, doctor: all, metrics: all, status: all };
    await eventually(async () => expect(await named()).toEqual(same));

    await query(`alter database ${name} connection limit -1`);
    await watch.look();
    await eventually(async () => {
      await look();
      expect(warnings).toEqual([{ code: 'CONNECTIONS' }]);
    });
    await query(`alter database ${name} connection limit -1`);
    await Promise.all(crowd.map((each) => each.close()));
  });
});
