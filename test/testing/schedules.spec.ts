import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueSchedule } from '../../lib/decorators/queue-schedule.decorator.js';
import type { Job } from '../../lib/job/job.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { advanceTime } from '../../lib/testing/advance-time.js';
import { drain } from '../../lib/testing/drain.js';
import { expectScheduled } from '../../lib/testing/expect-scheduled.js';
import { SimpleQueueTestingModule } from '../../lib/testing/simple-queue-testing.module.js';
import { aHandler } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { UNHURRIED } from '../support/unhurried.js';

const HOUR_MS = 3_600_000;

describe('schedules in tests', () => {
  let database: TestDatabase;
  let app: TestingModule;
  let ran: { name: string; at: Date; late: boolean }[];

  beforeEach(async () => {
    database = await aDatabase();
    ran = [];
    const handler = aHandler('reports', (job: Job) => void ran.push(job.schedule!));
    QueueSchedule('0 2 * * *', { overlap: 'allow', catchUp: 'none' })(handler);
    app = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: database.url }),
        SimpleQueueTestingModule.forRoot(),
      ],
      providers: [handler],
    }).compile();
    await app.init();
  });
  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  it('advanceTime makes each tick of the time that passes, at the times of the clock', async () => {
    for (let day = 0; day < 3; day++) {
      await advanceTime(app, 24 * HOUR_MS);
      await drain(app, UNHURRIED);
    }
    await advanceTime(app, 48 * HOUR_MS);
    await drain(app, UNHURRIED);
    expect(ran).toHaveLength(5);
    expect(ran.map(({ at }) => at.getUTCHours())).toEqual([2, 2, 2, 2, 2]);
    expect(new Set(ran.map(({ at }) => at.getTime())).size).toBe(5);
    expect(ran.map(({ late }) => late)).toEqual([false, false, false, false, false]);
  });

  it('advanceTime ticks in hours what steps in hours, over a day of them', async () => {
    await app
      .get(QueueSchedules)
      .put('hourly', { cron: '0 * * * *', target: 'reports', overlap: 'allow' });
    for (let hour = 0; hour < 5; hour++) await advanceTime(app, HOUR_MS);
    await drain(app, UNHURRIED);
    const hourly = ran.filter(({ name }) => name === 'hourly');
    expect(hourly.length).toBeGreaterThanOrEqual(5);
    expect(hourly.length).toBeLessThanOrEqual(6);
  });

  it('drain runs one after another what waited for the job of an earlier tick', async () => {
    const rule = { everyMs: HOUR_MS, target: 'reports', overlap: 'queue', catchUp: 'all' } as const;
    await app.get(QueueSchedules).put('queued', rule);
    await advanceTime(app, 6 * HOUR_MS);
    const { succeeded } = await drain(app, UNHURRIED);
    expect(succeeded).toBe(ran.length);
    // At 02:00 the declared one has a time as well.
    const times = ran.filter(({ name }) => name === 'queued').map(({ at }) => at.getTime());
    expect(times.length).toBeGreaterThanOrEqual(6);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('expectScheduled finds a schedule, and says what differs', async () => {
    expect(await expectScheduled(app, 'reports', { cron: '0 2 * * *' })).toMatchObject({
      declared: true,
    });
    await app.get(QueueSchedules).put('often', { everyMs: 900_000, target: 'reports' });
    expect(await expectScheduled(app, 'often', { everyMs: '15 min' })).toMatchObject({
      everyMs: 900_000,
    });
    await expect(expectScheduled(app, 'often', { everyMs: '15 moons' as never })).rejects.toThrow(
      'everyMs 900000',
    );
    await app.get(QueueSchedules).remove('often');
    await expect(expectScheduled(app, 'other')).rejects.toThrow(
      'Expected a schedule "other". There are: "reports".',
    );
    await expect(expectScheduled(app, 'reports', { timeZone: 'Europe/Berlin' })).rejects.toThrow(
      'timeZone "UTC"',
    );
  });
});
