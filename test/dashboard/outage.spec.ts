import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueService } from 'nestjs-simple-queue';
import { Glances } from '../../lib/dashboard/glances.js';
import { eventually } from '../support/eventually.js';
import type { TestDatabase } from '../support/database.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { aDatabase } from '../support/template.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

const TABS = 10;

/** Counts what a stream says. */
function versionsOf({ body }: Response) {
  const reader = body!.getReader();
  const heard = { count: 0, stop: () => reader.cancel() };
  const read = async (): Promise<void> => {
    const { value, done } = await reader.read();
    if (done) return;
    heard.count += new TextDecoder().decode(value as Uint8Array).split('event: version').length - 1;
    return read();
  };
  void read();
  return heard;
}

describe('a database that goes away', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let it_: TestDashboard;
  beforeAll(async () => {
    database = await aDatabase();
    proxy = await TcpProxy.start(database.url);
    it_ = await aDashboard(proxy);
    await it_.app.get(QueueService).enqueue('mail', { to: 'ada' });
  });
  afterAll(async () => {
    await proxy.pass();
    await it_.close();
    proxy.stop();
    await database.drop();
  });

  it('is told while it is away, and comes back, to those who look on and act; the host goes on', async () => {
    const tabs = () =>
      Promise.all(
        ['overview', 'jobs', 'workers', 'limits', 'schedules', 'queue?queue=mail'].map(
          async (look) => (await fetch(`${it_.origin}/queues/api/${look}`)).status,
        ),
      );
    const streams = await Promise.all(
      Array.from({ length: TABS }, () => it_.get('/queues/events')),
    );
    const heard = streams.map(versionsOf);
    await eventually(async () => (await tabs()).every((status) => status === 200));
    proxy.refuse();
    proxy.reset();
    await eventually(async () => (await tabs()).every((status) => status === 503));
    const act = await it_.post('/queues/api/pause', { queue: 'mail' });
    expect(act.status).toBe(503);
    expect(await act.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect((await it_.get('/queues')).status).toBe(200);
    const before = heard.map(({ count }) => count);
    await proxy.pass();
    await eventually(async () => (await tabs()).every((status) => status === 200));
    await it_.app.get(QueueService).enqueue('mail', { to: 'bob' });
    await eventually(() => heard.every(({ count }, tab) => count > before[tab]!));
    for (const { stop } of heard) await stop();
  });
});

it('asks the database once for all who ask the same within moments, and anew when something was done', async () => {
  const glances = new Glances();
  let asked = 0;
  const ask = async () => ++asked;
  const tenTabs = () => Promise.all(Array.from({ length: 10 }, () => glances.at('overview', ask)));
  expect(new Set(await tenTabs())).toEqual(new Set([1]));
  glances.forget();
  expect(new Set(await tenTabs())).toEqual(new Set([2]));
});
