import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { cli } from '../support/cli.js';
import { aStorage, type TestStorage } from '../support/storage.js';

describe('schedules', () => {
  let test: TestStorage;
  let schedules: QueueSchedules;

  beforeAll(async () => {
    test = await aStorage();
    const { options } = resolveOptions({ schedules: { owner: 'billing' } });
    schedules = new QueueSchedules(test.storage, options, {
      events: test.events,
      owner: 'billing',
    });
  });
  beforeEach(async () => {
    await test.database.query('truncate simple_queue.schedule, simple_queue.tick');
    await schedules.put('nightly', {
      cron: '0 2 * * *',
      target: 'reports',
      timeZone: 'Europe/Berlin',
    });
  });
  afterAll(() => test.close());

  const run = (...argv: string[]) =>
    cli(['schedules', ...argv], { env: { DATABASE_URL: test.database.url } });

  it('lists those of all owners, or of one', async () => {
    expect((await run()).out).toMatch(
      /^name .*\nnightly +0 2 \* \* \* +Europe\/Berlin +reports +in /,
    );
    expect((await run('list', '--owner', 'other')).out).toBe('There are no schedules.\n');
    const { json } = await run('--json');
    expect(json).toMatchObject({ schedules: [{ name: 'nightly', owner: 'billing' }] });
  });

  it('shows the next ten runs and the last ticks', async () => {
    await schedules.trigger('nightly');
    const { out } = await run('show', 'nightly');
    expect(out.match(/^next /gm)).toHaveLength(10);
    expect(out).toContain('triggered');
    const { json } = await run('show', 'nightly', '--json');
    expect(json).toMatchObject({ name: 'nightly', ticks: [{ outcome: 'triggered' }] });
    expect((json as { next: string[] }).next).toHaveLength(10);
  });

  it('shows since when it should have run, while nobody has enqueued it', async () => {
    expect((await run('show', 'nightly')).out).not.toMatch(/^due /m);
    await test.database.query(`update simple_queue.schedule set next_at = now() - interval '7 minutes'`); // prettier-ignore
    expect((await run('show', 'nightly')).out).toMatch(/^due .* \(\d+ min ago\)$/m);
    await run('pause', 'nightly');
    expect((await run('show', 'nightly')).out).not.toMatch(/^due /m);
  });

  it('pauses, resumes and runs what belongs to any owner', async () => {
    expect((await run('pause', 'nightly')).out).toBe('Schedule "nightly" is paused.\n');
    expect((await schedules.find('nightly'))!.pausedAt).toBeDefined();
    expect((await run()).out).toContain('paused');
    expect((await run('run', 'nightly')).out).toMatch(/^Job .* was enqueued\.\n$/);
    expect((await run('resume', 'nightly')).out).toBe('Schedule "nightly" continues.\n');
    expect((await schedules.find('nightly'))!.pausedAt).toBeUndefined();
  });

  it('backfills, with a dry run first', async () => {
    const span = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-04T00:00:00Z'];
    const dry = await run('backfill', 'nightly', ...span, '--dry-run');
    expect(dry.out).toMatch(/2026-01-01T01:00:00.000Z[\s\S]*3 jobs would be enqueued\.\n$/);
    expect(await schedules.ticks('nightly')).toEqual([]);
    expect((await run('backfill', 'nightly', ...span)).out).toContain('3 jobs were enqueued.');
    expect(await schedules.ticks('nightly')).toHaveLength(3);
  });

  it('prunes what no living worker declares, of one owner, with --yes', async () => {
    await test.database.query('update simple_queue.schedule set declared = true');
    expect((await run('prune')).out).toBe('0 schedules would be deleted.\n');
    expect((await run('prune', '--owner', 'billing')).out).toContain(
      'nightly\n1 schedule would be',
    );
    expect(await schedules.list()).toHaveLength(1);
    expect((await run('prune', '--owner', 'billing', '--yes')).out).toContain(
      '1 schedule is deleted.',
    );
    expect(await schedules.list()).toEqual([]);
  });

  it.each(['show', 'pause', 'resume', 'run'])(
    '%s tells of one that there is not',
    async (command) => {
      const { code, err } = await run(command, 'none');
      expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('"none"') });
    },
  );
});
