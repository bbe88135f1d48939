import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { JobResult } from '../../lib/job/job-result.js';
import { QueueHealth } from '../../lib/health/queue-health.js';
import type { QueueDepth, Telemetry } from '../../lib/observability/telemetry.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

/** What waits for a person is counted by every tool, and each tool can put it right. */
describe('an ordered group behind a job that ended badly', () => {
  const story = aStory();
  const adminOf = ({ app }: TestApplication): QueueAdmin => app.get(QueueAdmin, { strict: false });
  const simpleQueue = (...argv: string[]) =>
    cli(argv, { env: { DATABASE_URL: story.database.url } });

  /** A dead job and `followers` behind it, in a queue of its own. */
  async function block(
    queue: string,
    followers: number,
    telemetry?: Telemetry,
  ): Promise<{ application: TestApplication; ids: string[] }> {
    const handler = aHandler(queue, (job) =>
      (job.payload as number) === 0 ? JobResult.unprocessable('no such account') : 'booked',
    );
    const options = {
      reaperIntervalMs: 200,
      janitorIntervalMs: 1_000,
      ...(telemetry && { telemetry }),
    };
    const application = await story.start({ providers: [handler], options });
    const items = Array.from({ length: followers + 1 }, (_, n) => ({
      payload: n,
      group: 'account 7',
      ordered: true,
    }));
    const ids = (await application.queues.enqueueMany(queue, items)).map(({ id }) => id);
    await untilJobIs('unprocessable', application, ids[0]!);
    return { application, ids };
  }

  it('is counted by admin, status, queues, groups, doctor, health, metrics and explain, which agree', async () => {
    let depths: (() => Promise<QueueDepth[]>) | undefined;
    const telemetry: Telemetry = {
      start: (source) => ((depths = () => source.depths()), () => undefined),
    };
    const { application, ids } = await block('ledger', 20, telemetry);
    await application.queues.enqueue('ledger', 1, { staged: true });
    const { app } = application;
    const of = <T extends { queue: string }>(all: T[]): T =>
      all.find(({ queue }) => queue === 'ledger')!;

    expect(of(await adminOf(application).queues())).toMatchObject({
      blocked: { jobs: 20, atLeast: false },
      staged: { jobs: 1, atLeast: false },
      blockedGroups: { groups: 1, since: expect.any(Date) },
    });
    expect(await adminOf(application).blockedGroups('ledger')).toMatchObject([
      {
        queue: 'ledger',
        group: 'account 7',
        job: ids[0],
        halts: false,
        waiting: { jobs: 20, atLeast: false },
      },
    ]);
    expect((await adminOf(application).explain(ids[1]!)).text).toContain(
      `is blocked by job ${ids[0]}`,
    );
    await expect(adminOf(application).retry(ids[1]!)).rejects.toThrow(/JOB_HELD|blockedGroups\(\)/);
    expect(of(await depths!())).toMatchObject({ blocked: 20, staged: 1, blockedGroups: 1 });
    // A process that was held up has other problems for a moment.
    await eventually(async () => {
      const { queue } = await app.get(QueueHealth, { strict: false }).isHealthy('queue');
      expect(queue).toMatchObject({
        status: 'down',
        blockedGroups: 1,
        problems: [expect.stringContaining('1 ordered group is blocked')],
      });
    });
    const findings = await app.get(QueueDoctor, { strict: false }).examine();
    expect(findings.find(({ code }) => code === 'BLOCKED_GROUPS')).toMatchObject({
      level: 'warning',
      found: expect.stringContaining('"ledger": 1 ordered group is blocked'),
    });

    const status = await simpleQueue('status', '--json');
    expect(status).toMatchObject({
      code: 1,
      json: {
        blocked: { jobs: 20 },
        staged: { jobs: 1 },
        troubles: expect.arrayContaining([
          expect.objectContaining({ code: 'BLOCKED_GROUPS', queue: 'ledger' }),
        ]),
      },
    });
    expect((await simpleQueue('queues')).out).toMatch(/ledger.*20.*BLOCKED_GROUPS/);
    expect((await simpleQueue('groups', 'ledger')).out).toMatch(
      new RegExp(`ledger +account 7 +${ids[0]}.* 20`),
    );
    expect((await simpleQueue('doctor', '--strict')).code).toBe(1);
  });

  it('goes on when the command line releases it', async () => {
    const { application, ids } = await block('released', 3);
    expect(await simpleQueue('release', 'released')).toMatchObject({
      code: 1,
      out: expect.stringContaining('Blocked in this queue: "account 7".'),
    });
    expect(await simpleQueue('release', 'released', 'account 7', '--json')).toMatchObject({
      code: 0,
      json: { released: ids[0] },
    });
    await untilJobIs('succeeded', application, ids.at(-1)!);
    expect(await adminOf(application).blockedGroups('released')).toEqual([]);
  });

  it('goes on with all others of its queue, counted first and done with --yes', async () => {
    const { application, ids } = await block('all', 3);
    expect(await simpleQueue('release', 'all', '--all', '--json')).toMatchObject({
      code: 0,
      json: { dryRun: true, released: 1 },
    });
    expect((await application.queues.find(ids[1]!))?.state).toBe('blocked');
    expect(await simpleQueue('release', 'all', '--all', '--yes', '--json')).toMatchObject({
      code: 0,
      json: { dryRun: false, released: 1 },
    });
    await untilJobIs('succeeded', application, ids.at(-1)!);
  });

  it('goes on when its dead job is no longer kept, and says so', async () => {
    const { application, ids } = await block('forgotten', 3);
    await story.database.query(
      `update simple_queue.head set dead_until = now() - interval '1 second' where dead = $1`,
      [ids[0]],
    );
    await untilJobIs('succeeded', application, ids.at(-1)!);
    await eventually(() =>
      expect(application.seen('warning').map(({ code }) => code)).toContain('GROUP_RELEASED'),
    );
  });

  it('knows until when: as long as the dead letter is kept', async () => {
    const { application, ids } = await block('kept', 1);
    const [group] = await adminOf(application).blockedGroups('kept');
    const [dead] = await story.database.query<{ expires_at: Date }>(
      'select expires_at from simple_queue.dead_letter where id = $1',
      [ids[0]],
    );
    expect(group!.until).toEqual(dead!.expires_at);
  });
});
