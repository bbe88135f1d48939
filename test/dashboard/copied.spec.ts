import { execFileSync } from 'node:child_process';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { enqueueCall, enqueueCommand, leftOut } from '../../dashboard/parts/copied.js';
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
