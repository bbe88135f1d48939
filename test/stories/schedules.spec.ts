import { describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { QueueSchedule } from '../../lib/decorators/queue-schedule.decorator.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import type { Job } from '../../lib/job/job.js';
import type { DeclaredSchedule, JobSchedule } from '../../lib/job/schedule.js';
import { getToken } from '../../lib/module/tokens.js';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { aHandler, type TestApplication, failedLoops } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';

const DAY_MS = 86_400_000;
const YEARLY = '0 0 1 1 *';

function declared(schedule: DeclaredSchedule, queue = 'reports'): Type<unknown> {
  const handler = aHandler(queue, () => undefined);
  QueueSchedule(schedule)(handler);
  return handler;
}

describe('schedules', () => {
  const story = aStory();
  const of = ({ app }: TestApplication) => app.get(QueueSchedules, { strict: false });
  const names = async (application: TestApplication) =>
    (await of(application).list()).map(({ name }) => name);
  const clean = () =>
    story.database.query('truncate simple_queue.schedule, simple_queue.tick, simple_queue.archive');

  it('run their handler each time, with name and time in the job', async () => {
    await clean();
    const seen: JobSchedule[] = [];
    const application = await story.start({
      providers: [aHandler('beats', (job: Job) => void seen.push(job.schedule!))],
    });
    await of(application).put('beat', { everyMs: 1_000, target: 'beats', overlap: 'allow' });
    await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(2));
    expect(seen[0]).toEqual({ name: 'beat', at: expect.any(Date), late: false });
    expect(seen[0]!.at.getTime() % 1_000).toBe(0);
    expect(new Set(seen.map(({ at }) => at.getTime())).size).toBe(seen.length);
    await of(application).remove('beat');
  });

  it('are written at the start of a worker, on classes, methods and templates', async () => {
    await clean();
    const Bill = defineJob<null>()({ queue: 'bills', name: 'bill' });
    @QueueSchedule(YEARLY, { timeZone: 'Europe/Berlin' })
    @QueueSchedule({ everyMs: DAY_MS, name: 'twice' })
    @QueueHandler('whole')
    class Whole {
      process(): void {}
    }
    @QueueHandler('bills')
    class Methods {
      @QueueSchedule(YEARLY)
      @HandleJob(Bill)
      bill(): void {}

      @QueueSchedule(YEARLY)
      @HandleJob('remind')
      remind(): void {}
    }
    const application = await story.start({ providers: [Whole, Methods] });
    expect(await names(application)).toEqual(['bills/bill', 'bills/remind', 'twice', 'whole']);
    const found = await of(application).find('bills/remind');
    expect(found).toMatchObject({
      declared: true,
      queue: 'bills',
      jobName: 'remind',
      cron: YEARLY,
    });
    const { id } = await of(application).trigger('bills/bill');
    await eventually(async () =>
      expect(await application.queues.find(id)).toMatchObject({
        state: 'succeeded',
        name: 'bill',
        schedule: { name: 'bills/bill', late: false },
      }),
    );
  });

  it('neither tick nor are written where no worker is', async () => {
    await clean();
    const application = await story.start({
      options: { worker: false },
      providers: [declared({ cron: YEARLY })],
    });
    expect(await names(application)).toEqual([]);
    await of(application).put('kept', { everyMs: 1_000, target: 'reports' });
    await story.database.query(`update simple_queue.schedule set next_at = now() - interval '5 s'`);
    await application.app
      .get(getToken(JobQueue), { strict: false })
      .claim({ queues: ['reports'], worker: 'w', limit: 1 } as never)
      .catch(() => undefined);
    expect(await story.database.query('select from simple_queue.tick')).toEqual([]);
  });

  it('hear of a schedule that another process puts, and of a change, without a restart', async () => {
    await clean();
    let runs = 0;
    const worker = await story.start({ providers: [aHandler('heard', () => void runs++)] });
    const web = await story.start({ options: { worker: false } });
    await of(web).put('heard', { cron: YEARLY, target: 'heard', overlap: 'allow' });
    await of(web).put('heard', { everyMs: 1_000, target: 'heard', overlap: 'allow' });
    await eventually(() => expect(runs).toBeGreaterThan(0));
    await of(web).pause('heard');
    expect(failedLoops(worker)).toEqual([]);
  });

  it('tell the earlier job at once that its tick has cancelled it', async () => {
    await clean();
    let aborted = 0;
    const application = await story.start({
      // Nothing else would tell it while this test lasts.
      options: { heartbeatIntervalMs: 600_000, leaseMs: 1_800_000 },
      providers: [
        aHandler(
          'long',
          (_: Job, { signal }) =>
            new Promise<void>((resolve) =>
              signal.addEventListener('abort', () => {
                aborted++;
                resolve();
              }),
            ),
        ),
      ],
    });
    await of(application).put('long', { everyMs: 1_000, target: 'long', overlap: 'cancel' });
    await eventually(() => expect(aborted).toBeGreaterThan(0));
    await of(application).remove('long');
    const admin = application.app.get(QueueAdmin, { strict: false });
    await admin.cancel({ queue: 'long' });
  });

  it('hand their time over to remote workers', async () => {
    await clean();
    const application = await story.start({ options: { worker: false } });
    await of(application).put('pulled', { cron: YEARLY, target: 'pulled' });
    const { at } = await of(application).trigger('pulled');
    const queue = application.app.get(getToken(JobQueue), { strict: false });
    const { leaseId, jobs } = await queue.claim({
      queues: ['pulled'],
      limit: 1,
      workerId: 'w',
      leaseMs: 10_000,
    });
    expect(jobs[0]!.schedule).toEqual({ name: 'pulled', at, late: false });
    await queue.complete(leaseId, jobs[0]!.id);
  });

  describe('in a fleet whose builds differ', () => {
    const specs = async () =>
      (
        await story.database.query<{ cron: string }>(
          `select spec ->> 'cron' as cron from simple_queue.schedule`,
        )
      ).map(({ cron }) => cron);

    it('follow the last start, and then those that are left', async () => {
      await clean();
      const [first, second] = ['0 1 1 1 *', '0 2 1 1 *'] as const;
      const { DeclaredSchedules } = await import('../../lib/schedules/declared-schedules.js');
      const old = await story.start({ providers: [declared({ cron: first })] });
      const kept = old.app.get(DeclaredSchedules, { strict: false });
      // Its own first look would find no worker yet that says the same as the younger one's start.
      await eventually(() => (kept as unknown as { checkedAt: number }).checkedAt > 0);
      const young = await story.start({ providers: [declared({ cron: second })] });
      expect(await specs()).toEqual([second]);
      await young.close();
      await kept.check(undefined, Infinity);
      expect(await specs()).toEqual([first]);
    });

    it('keep what a worker declares in another form, the moment that the last one has stopped', async () => {
      await clean();
      await story.start({ providers: [declared({ cron: '0 1 1 1 *' })] });
      const young = await story.start({ providers: [declared({ cron: '0 2 1 1 *' })] });
      const operator = await story.start({ options: { worker: false } });
      await of(operator).pause('reports');
      await young.close();
      expect(await of(operator).find('reports')).toMatchObject({ undeclared: false });
      expect(await of(operator).prune()).toEqual([]);
      expect((await of(operator).find('reports'))!.pausedAt).toBeInstanceOf(Date);
    });

    it('keep what a process declares that is about to start, with its pause', async () => {
      await clean();
      const schedule = declared({ cron: YEARLY, name: 'paused' });
      const before = await story.start({ providers: [schedule] });
      const operator = await story.start({ options: { worker: false } });
      await of(operator).pause('paused');
      await before.close();
      const pruned: string[] = [];
      // Its hook comes behind the declaration, and before the worker has a lease.
      @Injectable()
      class Late {
        async onApplicationBootstrap(): Promise<void> {
          pruned.push(...(await of(operator).prune()));
        }
      }
      const next = await story.start({ providers: [schedule, Late] });
      await eventually(async () => (await story.database.query('select from simple_queue.schedule where announced_at is null')).length === 1); // prettier-ignore
      expect(pruned).toEqual([]);
      expect((await of(operator).find('paused'))!.pausedAt).toBeInstanceOf(Date);
      await next.close();
      expect(await of(operator).find('paused')).toMatchObject({ undeclared: true });
    });

    it('keep what no code declares, until it is pruned by its owner', async () => {
      await clean();
      const before = await story.start({ providers: [declared({ cron: YEARLY, name: 'gone' })] });
      await before.close();
      const after = await story.start({ providers: [declared({ cron: YEARLY, name: 'there' })] });
      await of(after).put('kept', { cron: YEARLY, target: 'reports' });
      expect(await of(after).find('gone')).toMatchObject({ undeclared: true });
      await expect(of(after).remove('there')).rejects.toMatchObject({ code: 'SCHEDULE_DECLARED' });
      await expect(
        of(after).put('there', { cron: YEARLY, target: 'reports' }),
      ).rejects.toMatchObject({
        code: 'SCHEDULE_DECLARED',
      });
      expect(await of(after).prune()).toEqual(['gone']);
      expect(await names(after)).toEqual(['kept', 'there']);
    });

    it('refuse a start that takes the name of another owner', async () => {
      await clean();
      await story.start({ providers: [declared({ cron: YEARLY })] });
      await expect(
        story.start({
          options: { schedules: { owner: 'billing' } },
          providers: [declared({ cron: YEARLY })],
        }),
      ).rejects.toMatchObject({ code: 'SCHEDULE_FOREIGN' });
    });
  });

  describe('stop a start', () => {
    @Injectable()
    class Homeless {
      process(): void {}
    }
    QueueSchedule(YEARLY)(Homeless);
    @QueueHandler('methods')
    class Unmarked {
      process(): void {}
      @QueueSchedule(YEARLY)
      other(): void {}
    }
    it.each([
      ['that can never run', [declared({ cron: '0 0 31 2 *' })], 'SCHEDULE_NEVER_RUNS'],
      [
        'of an unknown zone',
        [declared({ cron: YEARLY, timeZone: 'Mars' })],
        'SCHEDULE_ZONE_UNKNOWN',
      ],
      ['of a wrong pattern', [declared({ cron: 'often' })], 'SCHEDULE_PATTERN_INVALID'],
      ['every 0 ms', [declared({ everyMs: 0 })], 'INVALID_OPTION'],
      [
        'of one name',
        [declared({ cron: YEARLY, name: 'x' }), declared({ cron: YEARLY, name: 'x' }, 'other')],
        'SCHEDULE_DUPLICATE',
      ],
      ['on a pattern of queues', [declared({ cron: YEARLY }, 'mail.*')], 'HANDLER_INVALID'],
      ['on no handler', [Homeless], 'HANDLER_INVALID'],
      ['on a method that handles nothing', [Unmarked], 'HANDLER_INVALID'],
    ])('%s', async (_, providers, code) => {
      await clean();
      await expect(story.start({ providers })).rejects.toMatchObject({ code });
      expect(await story.database.query('select from simple_queue.schedule')).toEqual([]);
    });
  });
});
