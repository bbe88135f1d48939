import { execFileSync } from 'node:child_process';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { enqueueCall, enqueueCommand, isExact, leftOut } from '../../dashboard/parts/copied.js';
import type { JobAnswer } from '../../dashboard/parts/answers.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

/** In the place of npx: a process that prints its arguments, and what comes by a pipe. */
const inShell = (command: string): string => `npx() { env printf '%s\\0' "$@"; cat; }
{ ${command}
} < /dev/null`;

describe('what is copied of a job stores one like it', () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;

  beforeAll(async () => {
    database = await aDatabase();
    const perKey = { by: ({ to }: { to?: string }) => to, concurrency: 1 };
    dashboard = await aDashboard(database, { options: { queues: { keyed: { perKey } } } });
    await database.query(
      `insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'keyed/*', true, 1, '{}')`,
    );
  });
  afterAll(async () => {
    await dashboard.close();
    await database.drop();
  });

  const queues = () => dashboard.app.get(QueueService);
  const lookAt = async (id: string) =>
    (await (await dashboard.get(`/queues/api/job?id=${id}`)).json()) as JobAnswer;

  async function pasted(call: string): Promise<string> {
    const given = { queues: queues(), JSON };
    const run = runInNewContext(`async () => { return ${call} }`, given) as () => Promise<{ id: string }>; // prettier-ignore
    return (await run()).id;
  }

  async function typed(command: string): Promise<string> {
    const out = execFileSync('bash', { input: inShell(command), encoding: 'utf8' });

    const [no, name, ...argv] = out.split('\0');
    expect([no, name]).toEqual(['--no', 'simple-queue']);
    const input = argv.pop()!;
    const env = { DATABASE_URL: database.url };
    const { json, err } = await cli([...argv, '--json'], { env, input });
    expect(err).toBe('');
    return (json as { id: string }).id;
  }

  const stored = async (id: string) =>
    (
      await database.query<Record<string, unknown>>(
        `select payload::text, limit_key, group_name, priority, options -> 'headers' as headers, options ->> 'limitKey' as "limitKey"
         from simple_queue.job where id = $1`,
        [id],
      )
    )[0];

  // The options are a rest of the row: a parameter that a row does not fill would be taken for `done`.
  const JOBS: [what: string, queue: string, payload: unknown, options?: EnqueueOptions][] = [
    ['with a key of its queue', 'keyed', { to: "o'hara" }],
    ['whose key begins with a dash', 'keyed', { to: '--x' }],
    ['without a key where others have one', 'keyed', { at: 1 }],
    ['with a member called __proto__', 'mail', JSON.parse('{"__proto__":{"x":1},"y":"it\'s"}')],
    ['with a header called __proto__', 'mail', 1, { headers: JSON.parse('{"__proto__":"x"}') as Record<string, string> }], // prettier-ignore
    ['that is a negative number', 'mail', -5],
    ['that is null', 'mail', null],
    ['longer than an argument may be', 'mail', 'x'.repeat(200_000)],
    ['with quotes, lines and signs of the shell', 'mail', '`$(id)` "\'\n\u2028!\\', { headers: { a: "$HOME `'\n" }, group: '-g\'"', priority: -3 }], // prettier-ignore
  ];

  it.each(JOBS)('%s', async (_what, queue, payload, ...[options]) => {
    const { id } = await queues().enqueue(queue, payload, { delayMs: 3_600_000, ...options });

    const answer = await lookAt(id);
    const like = await stored(id);
    expect(await stored(await pasted(enqueueCall(answer)))).toEqual(like);
    expect(await stored(await typed(enqueueCommand(answer)))).toEqual(like);
  });

  it('keeps each digit of its numbers, also where its payload is edited', async () => {
    const digits = '{"order":12345678901234567890,"one":1.0,"list":[0.12345678901234567891,"7.0"]}';
    const { id } = await queues().enqueue('mail', 1, { delayMs: 3_600_000 });
    await database.query(`update simple_queue.job set payload = $2 where id = $1`, [id, digits]);

    const answer = await lookAt(id);
    expect(answer.job.payload.text).toBe(digits);
    expect(isExact(digits)).toBe(false);
    expect((await stored(await typed(enqueueCommand(answer))))!.payload).toBe(digits);
    const env = { DATABASE_URL: database.url };
    const shown = await cli(['job', id, '--payload', '--json'], { env });
    expect(shown.json).toMatchObject({ id, payload: { one: 1 } });
    expect(shown.out.replace(/\s/g, '')).toContain(`"payload":${digits}`);
    const told = await cli(['job', id, '--payload'], { env });
    expect(told.out).toContain('  "order": 12345678901234567890,\n  "one": 1.0,\n  "list": [\n');

    const edited = `{\n  "order": 12345678901234567890, "by": "\\u0061nn" }\n`;
    const said = { id, payloadText: edited, seen: answer.job.payload.digest };
    expect((await dashboard.post('/queues/api/change', said)).status).toBe(200);
    expect((await stored(id))!.payload).toBe('{"order":12345678901234567890,"by":"ann"}');
    expect((await dashboard.post('/queues/api/change', said)).status).toBe(409);
    await cli(['change', id, '--payload', digits], { env });
    expect((await stored(id))!.payload).toBe(digits);
    for (const payload of ['{"n":1e400}', '{', '{"a":"\\u0000"}']) {
      const refused = await dashboard.post('/queues/api/change', { id, payloadText: payload });
      expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'INVALID_PAYLOAD' }]); // prettier-ignore
      const { err } = await cli(['change', id, '--payload', payload, '--json'], { env });
      expect(err).toContain('INVALID_PAYLOAD');
    }
    // As JSON in JSON its digits would be lost before anybody could look.
    for (const text of [{}, { payloadText: digits }]) {
      const lossy = await dashboard.post('/queues/api/change', { id, payload: 1, ...text });
      expect([lossy.status, await lossy.json()]).toMatchObject([400, { message: expect.stringContaining('payloadText') }]); // prettier-ignore
    }
    expect((await stored(id))!.payload).toBe(digits);
  });

  it.each([
    ['[0, -0, 1.0, 100, 1e3, 0.1, -1.50, 123e-20, 5e-324, 9007199254740992, "9007199254740993"]', true], // prettier-ignore
    ...['9007199254740993', '1e400', '1e-400', '0.30000000000000001'].map((number) => [`{"n":${number}}`, false] as [string, boolean]), // prettier-ignore
  ])('knows of %s whether a call can say it: %s', (json, exact) => {
    expect(isExact(json)).toBe(exact);
  });

  it('says what it leaves out', async () => {
    const { id: first } = await queues().enqueue('mail', 1, { delayMs: 3_600_000 });
    const waits = { dependsOn: [first], group: 'g', ordered: true };
    const { id } = await queues().enqueue('mail', 2, waits);
    const said = leftOut((await lookAt(id)).job);
    for (const part of [
      'unique key',
      'fingerprint',
      'workflow',
      'schedule',
      'timeout',
      'backoff',
      'times',
      'staged',
      'dependsOn',
      'ordered',
    ])
      // prettier-ignore
      expect(said).toContain(part);
  });
});
