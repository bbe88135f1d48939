import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cli } from '../support/cli.js';
import { endedJobs } from '../support/ended-jobs.js';
import { aStorage, type TestStorage } from '../support/storage.js';

/** What an error of a hostile service may say to a terminal: clear it, rename it, paint it, turn its text around. */
const HOSTILE =
  'no such address\u001b[2J\u001b]0;owned\u0007\u009b31m\u202efdp.exe\nerror: all is well';
const SEEN = String.raw`no such address\u001b[2J\u001b]0;owned\u0007\u009b31m\u202efdp.exe\nerror: all is well`;

describe('commands that look', () => {
  let test: TestStorage;
  let failed: string;
  let ready: string;

  beforeAll(async () => {
    test = await aStorage();
    ready = (
      await test.rows.job({
        queue: 'reports',
        name: 'nightly',
        payload: { secret: 4111 },
        due: '-90 minutes',
      })
    ).id;
    await test.rows.job({ state: 'running', lease: await test.rows.lease('1 hour', 'host:1') });
    const job = await test.rows.job({ state: 'running', uniqueKey: 'order:7' });
    failed = job.id;
    const verdict = {
      state: 'failed',
      spent: 1,
      runMs: 5,
      deadLetterKeepMs: 86_400_000,
      archiveKeepMs: 86_400_000,
    } as const;
    const error = {
      name: 'Error',
      message: HOSTILE,
      stack: `Error: no\n    at send (mail.ts:7:1)`,
    };
    await test.storage.settlements.bury('host:1', [{ ...job, verdict: { ...verdict, error } }]);
    await test.database.query('delete from simple_queue.claim where id = $1', [job.claim]);
    await test.database.query('delete from simple_queue.lease where id = $1', [job.lease]);
    await endedJobs(test, 3, { state: 'succeeded' });
  });
  afterAll(() => test.close());

  const look = (argv: string[], columns?: number) =>
    cli(argv, { env: { DATABASE_URL: test.database.url }, columns });

  it('status tells what is wrong, and exits with 1', async () => {
    const { code, json } = await look(['status', '--json']);
    expect({ code, json }).toEqual({
      code: 1,
      json: {
        database: expect.stringMatching(/^127\.0\.0\.1:\d+\/test_/),
        schema: 'simple_queue',
        version: 1,
        workers: { live: 1, silent: 0 },
        queues: 2,
        paused: [],
        ready: { jobs: 1, atLeast: false },
        running: { jobs: 1, atLeast: false },
        scheduled: { jobs: 0, atLeast: false },
        blocked: { jobs: 0, atLeast: false },
        staged: { jobs: 0, atLeast: false },
        suspects: { jobs: 0, atLeast: false },
        deadLetters: { jobs: 1, atLeast: false },
        oldestReadyMs: expect.any(Number),
        oldestQueue: 'reports',
        troubles: [
          expect.objectContaining({ code: 'NO_HANDLER', queue: 'reports', level: 'warning' }),
          expect.objectContaining({ code: 'DEAD_LETTERS', queue: 'mail', level: 'notice' }),
        ],
      },
    });
    const { out } = await look(['status']);
    expect(out).toContain('ready         1, the oldest for 1 h');
    expect(out).toContain(
      'No live worker has a handler for "nightly" of queue "reports": 1 job waits',
    );
  });

  it('status names suspects, by queue', async () => {
    const suspect = await test.rows.job({ state: 'suspect', queue: 'mail' });
    const { out } = await look(['status']);
    const { json } = await look(['queues', 'mail', '--json']);
    await test.database.query('delete from simple_queue.suspect');
    await test.database.query('delete from simple_queue.job where id = $1', [suspect.id]);
    expect(out).toMatch(/suspects +1 of these: mail 1/);
    expect(json).toMatchObject({ suspects: { jobs: 1, atLeast: false } });
  });

  it('a table has a line a queue, for cut and grep', async () => {
    const { out } = await look(['queues']);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['queue', 'ready', 'oldest', 'running', 'scheduled', 'blocked', 'dead', 'workers'],
      ['mail', '0', '1', '0', '0', '1', '0', 'DEAD_LETTERS'],
      ['reports', '1', '1 h', '0', '0', '0', '0', '0', 'NO_HANDLER'],
    ]);
    const { json } = await look(['queues', '--json']);
    expect(json).toMatchObject({
      queues: [{ queue: 'mail' }, { queue: 'reports', oldestReadyMs: expect.any(Number) }],
    });
  });

  it('one queue comes with its names; a wrong one with the nearest', async () => {
    expect((await look(['queues', 'mail', '--json'])).json).toMatchObject({
      queue: 'mail',
      deadLettersByState: { failed: 1 },
    });
    expect((await look(['queues', 'mail'])).out).toContain('  failed      1');
    const wrong = 'error: There is no queue "mial". Did you mean "mail"?\n';
    for (const argv of [
      ['queues', 'mial'],
      ['jobs', '--queue', 'mial'],
      ['jobs', '--queue', 'mial', '--all'],
      ['pause', 'mial'],
      ['tail', '--queue', 'mial'],
    ])
      expect(await look(argv)).toMatchObject({ code: 1, err: wrong });
  });

  it('workers are told with what they hold', async () => {
    expect((await look(['workers', '--json'])).json).toMatchObject({
      workers: [{ worker: 'host:1', live: true, jobs: 1 }],
    });
    expect((await look(['workers'])).out).toMatch(/host:1 +yes +\d+ (ms|s|min) +1\n/);
  });

  it('jobs come by filter and page by page, as one answer or as a stream', async () => {
    const page = (await look(['jobs', '--limit', '2', '--json'])).json as {
      jobs: { id: string }[];
      next: string;
    };
    const rest = (await look(['jobs', '--limit', '900', '--after', page.next, '--json'])).json as {
      jobs: { id: string }[];
    };
    expect([...page.jobs, ...rest.jobs].map(({ id }) => id)).toHaveLength(6);
    expect(rest).not.toHaveProperty('next');
    const { out } = await look(['jobs', '--all', '--json']);
    const streamed = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    expect(streamed).toEqual([...page.jobs, ...rest.jobs]);
    expect((await look(['jobs', '--state', 'dead,ready', '--json'])).json).toMatchObject({
      jobs: [{ id: ready }, { id: failed }],
    });
    expect(
      (await look(['jobs', '--state', 'live', '--created-after', '1h', '--json'])).json,
    ).toMatchObject({ jobs: [{}, {}] });
    expect((await look(['jobs', '--created-before', '2020-01-01', '--json'])).json).toEqual({
      jobs: [],
      looked: 6,
    });
    expect((await look(['jobs', '--created-before', '2020-01-01'])).out).toBe('No jobs.\n');
  });

  it('on a terminal of 80 columns no line is longer, and nothing that was stored is obeyed', async () => {
    for (const argv of [['status'], ['queues'], ['queues', 'mail'], ['workers'], ['jobs']]) {
      const { out } = await look(argv, 80);
      const bare = out.replaceAll(/\u001b\[\d+m/g, '');
      expect(bare.split('\n').filter((line) => line.length > 80)).toEqual([]);
      expect(bare).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it.each([[80], [undefined]])(
    'a hostile error is shown letter by letter (columns: %s)',
    async (columns) => {
      const all = [
        await look(['job', failed], columns),
        await look(['explain', failed], columns),
        await look(['jobs', '--unique-key', 'order:7']),
      ];
      for (const { out } of all) expect(out).toContain(SEEN);
      const { out, json } = await look(['job', failed, '--json'], columns);
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(json).toMatchObject({ lastError: { message: HOSTILE } });
    },
  );

  it('a job shows what it carries only when asked', async () => {
    const { out } = await look(['job', ready]);
    expect(out).toContain('nightly');
    expect(
      out + (await look(['job', ready, '--json'])).out + (await look(['jobs', '--json'])).out,
    ).not.toContain('4111');
    expect((await look(['job', ready, '--payload'])).out).toContain('"secret": 4111');
    expect((await look(['job', ready, '--payload', '--json'])).json).toMatchObject({
      payload: { secret: 4111 },
      headers: {},
    });
    expect((await look(['job', failed])).out).toContain('    at send (mail.ts:7:1)');
  });

  it('a job shows how far its run has come, with a bar on a terminal', async () => {
    const { id, epoch, lease } = await test.rows.job({ state: 'running' });
    const progress = { done: 400, of: 1_000, note: 'page\u001b[2J 4' };
    await test.storage.progress.save(test.storage.database.settlers.run, [{ id, epoch, progress }]);
    const text = String.raw`40 % (400 of 1000): page\u001b[2J 4 (attempt 1, `;

    expect((await look(['job', id])).out).toContain(`progress  ${text}`);
    expect((await look(['job', id], 80)).out).toContain(`████████░░░░░░░░░░░░ ${text}`);
    expect((await look(['job', id, '--json'])).json).toMatchObject({
      progress: { done: 400, of: 1_000, share: 0.4, attempt: 1, at: expect.stringMatching(/Z$/) },
    });
    expect((await look(['jobs', '--state', 'running', '--json'])).json).toMatchObject({
      jobs: expect.arrayContaining([expect.objectContaining({ id, progress: expect.anything() })]),
    });
    await test.database.query('delete from simple_queue.claim where $1 = any(jobs)', [id]);
    await test.database.query('delete from simple_queue.job where id = $1', [id]);
    await test.database.query('delete from simple_queue.lease where id = $1', [lease]);
  });

  it('explain gives the reasons; an unknown job is one, and exits with 1', async () => {
    expect(await look(['explain', ready])).toMatchObject({
      code: 0,
      out: expect.stringContaining('NO_HANDLER  1 worker is alive'),
    });
    const unknown = randomUUID();
    expect(await look(['explain', unknown, '--json'])).toMatchObject({
      code: 1,
      json: { id: unknown, reasons: [{ code: 'UNKNOWN' }] },
    });
    expect(await look(['job', unknown])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('There is no job'),
    });
  });

  it('a search is one argument or several, and a value may have spaces', async () => {
    const { json: several } = await look(['jobs', 'queue:reports', 'name:nightly', '--json']);
    expect(several).toMatchObject({ jobs: [{ id: ready }] });
    expect((await look(['jobs', 'queue:reports name:nightly', '--json'])).json).toEqual(several);
    expect((await look(['jobs', 'state:dead error:no payload.a:1', '--json'])).json).toMatchObject({ jobs: [] }); // prettier-ignore
    expect((await look(['jobs', 'error:at host:5432', '--json'])).json).toMatchObject({ jobs: [] });
  });

  it.each<[string[], string]>([
    [['job'], "missing required argument 'id'"],
    [['job', '7'], '"7" is not a UUID'],
    [['explain', "' or 1=1 --"], 'is not a UUID'],
    [['job', 'x'.repeat(100_000)], 'is not a UUID'],
    [['job', '\u001b[2J'], 'is not a UUID'],
    [['jobs', '--state', 'faild'], 'Did you mean "failed"?'],
    [['jobs', '--limit', 'many'], 'whole number'],
    [['jobs', '--limit', '999999999'], 'For more there is --all'],
    [['jobs', '--limit', '0'], 'page.limit must be a whole number'],
    [['jobs', '--limit', '-5'], 'page.limit must be a whole number'],
    [['jobs', '--created-after', 'yesterday'], 'It takes a time'],
    [['jobs', '--created-after', '2026-99-99'], 'It takes a time'],
    [['jobs', '--queue', 'a b'], 'is not a queue name'],
    [['jobs', '--fingerprint', ''], 'filter.fingerprint must be'],
    [['jobs', '--after', 'nonsense'], 'page.after is not'],
    [['tail', '--interval', '1ms'], '--interval must be'],
    [['migrate', 'sideways'], 'unknown command'],
  ])('refuses %j, and says why', async (argv, message) => {
    const { code, out, err } = await look(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err.length).toBeLessThan(1_000);
    expect(err).not.toContain('\u001b[2J');
  });

  it('a job with a payload that is nested deeper than a stack is shown, too', async () => {
    const { id } = await test.rows.job({ queue: 'deep' });
    const text = `${'['.repeat(6_000)}7${']'.repeat(6_000)}`;
    await test.database.query('update simple_queue.job set payload = $2::jsonb where id = $1', [
      id,
      text,
    ]);
    const { code, out } = await look(['job', id, '--payload']);
    expect({ code, isShown: out.includes(text) }).toEqual({ code: 0, isShown: true });
    const asJson = await look(['job', id, '--payload', '--json']);
    expect({ code: asJson.code, isShown: asJson.out.includes(`"payload":${text}`) }).toEqual({
      code: 0,
      isShown: true,
    });
  });

  it('colours only where a terminal and nobody else reads', async () => {
    const env = { DATABASE_URL: test.database.url };
    const hasColours = async (
      columns: number | undefined,
      more: Record<string, string>,
      ...flags: string[]
    ) =>
      (await cli(['status', ...flags], { env: { ...env, ...more }, columns })).out.includes(
        '\u001b[',
      );
    expect(await hasColours(80, {})).toBe(true);
    expect(await hasColours(undefined, { FORCE_COLOR: '1' })).toBe(true);
    expect(
      await Promise.all([
        hasColours(undefined, {}),
        hasColours(80, { NO_COLOR: '1' }),
        hasColours(80, { TERM: 'dumb' }),
      ]),
    ).not.toContain(true);
    expect(
      await Promise.all([hasColours(80, {}, '--no-color'), hasColours(80, {}, '--json')]),
    ).not.toContain(true);
  });

  it('every command has help with an example', async () => {
    const { out } = await look(['--help']);
    const names = [...out.matchAll(/^ {2}([a-z]+)(?: |$)/gm)]
      .map(([, name]) => name!)
      .filter((name) => !['help', 'npx'].includes(name));
    expect(names).toEqual(expect.arrayContaining(['status', 'tail', 'redrive', 'migrate']));
    for (const name of names.filter((one) => one !== 'migrate')) {
      const help = await look([name, '--help']);
      expect({
        name,
        code: help.code,
        example: help.out.includes(`Examples:\n  npx --no simple-queue ${name}`),
      }).toEqual({
        name,
        code: 0,
        example: true,
      });
    }
    expect((await look(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
