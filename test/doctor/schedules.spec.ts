import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { aStorage, type TestStorage } from '../support/storage.js';

describe('the doctor, of schedules', () => {
  let test: TestStorage;
  let doctor: QueueDoctor;

  beforeAll(async () => {
    test = await aStorage();
    doctor = new QueueDoctor(test.storage, resolveOptions({}).options);
  });
  beforeEach(() => test.database.query('truncate simple_queue.schedule, simple_queue.lease'));
  afterAll(() => test.close());

  const look = () => doctor.examine({ only: ['SCHEDULES'] });
  const put = (name: string) =>
    new QueueSchedules(test.storage, resolveOptions({}).options, { events: test.events }).put(
      name,
      {
        cron: '0 2 * * *',
        target: 'reports',
      },
    );
  const change = (name: string, set: string) =>
    test.database.query(`update simple_queue.schedule set ${set} where name = '${name}'`);

  it('finds nothing where there are none, and all well where they are on time', async () => {
    expect(await look()).toMatchObject([{ level: 'ok', found: 'Schedules are on time.' }]);
    await put('nightly');
    expect(await look()).toMatchObject([{ level: 'ok', found: '1 schedule on time.' }]);
  });

  it('finds those that are far behind, that never run again, and that no worker declares', async () => {
    await put('late');
    await put('over');
    await put('orphan');
    await put('paused');
    await change('late', `next_at = now() - interval '10 minutes'`);
    await change('over', 'next_at = null');
    await change('orphan', 'declared = true');
    await change('paused', `paused_at = now(), next_at = now() - interval '1 day'`);
    await test.database.query(
      `insert into simple_queue.lease (id, shard, worker, expires_at) values (gen_random_uuid(), 0, 'w', now() + interval '1 minute')`,
    );
    expect(await look()).toMatchObject([
      { level: 'warning', found: '1 schedule is overdue for 10 minutes: late.' },
      { level: 'notice', found: expect.stringMatching(/over: over\.$/) },
      { level: 'notice', found: expect.stringMatching(/alive: orphan\.$/) },
    ]);
  });
});
