import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { calledWith } from '../../lib/cli/called-with.js';
import { QueueLimits } from '../../lib/limits/queue-limits.js';
import { QueueService } from '../../lib/queue.service.js';
import type { Trouble } from '../../lib/job/trouble.js';
import { cli } from '../support/cli.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const URL = 'postgres://ann:s3cret@db:5432/shop';

describe('what a printed command repeats', () => {
  const flags = { timeout: 30 };
  it.each([
    ['nothing, where nothing was said', flags, {}, ''],
    ['nothing, where DATABASE_URL has it', { ...flags, url: URL }, { DATABASE_URL: URL }, ''],
    [
      'the variable that has the address',
      { ...flags, url: URL },
      { DATABASE_URL: 'postgres://other/db', BILLING_URL: URL },
      ' --url "$BILLING_URL"',
    ],
    [
      'the address, without its password',
      { ...flags, url: URL },
      { DATABASE_URL: 'postgres://other/db' },
      ' --url postgres://ann@db:5432/shop',
    ],
    [
      'an address without a secret as it is',
      { ...flags, url: "postgres://ann@/shop?host=/run/pg&application_name=it's" },
      {},
      String.raw` --url 'postgres://ann@/shop?host=/run/pg&application_name=it'\''s'`,
    ],
    [
      'no password behind the question mark, however it is written',
      { ...flags, url: 'postgres://db/shop?user=ann&password=s3cret&p%61ssword=s3cret&sslmode=require' },
      {},
      ` --url 'postgres://db/shop?user=ann&sslmode=require'`,
    ],
    ['timeout and actor', { timeout: 5, actor: 'ann b' }, {}, ` --timeout 5 --actor='ann b'`],
  ])('%s', (_, given, env, words) => {
    expect(calledWith(given, env)).toBe(words);
  }); // prettier-ignore
});

describe('commands as they are printed', () => {
  let test: TestStorage;
  beforeAll(async () => {
    test = await aStorage({ schema: 'billing_queue' });
    await new QueueService(test.storage, test.options, test.events).enqueue('mail', 1);
    await new QueueAdmin(test.storage, test.options).pause('mail');
  });
  afterAll(() => test.close());

  it('lead to the database, the tables and the person of the call, through a shell', async () => {
    const env = { SHOP_URL: test.database.url, DATABASE_URL: 'postgres://nowhere.invalid/none' };
    const shared = ['--url', test.database.url, '--schema', 'billing_queue', '--actor', 'ann b'];
    const { json } = await cli([...shared, 'status', '--json'], { env });
    const { fix } = (json as { troubles: Trouble[] }).troubles.find(({ code }) => code === 'PAUSED_QUEUES')!; // prettier-ignore
    expect(fix).toBe(`npx --no simple-queue resume mail --schema billing_queue --url "$SHOP_URL" --actor='ann b'`); // prettier-ignore
    const words = execFileSync('sh', ['-c', `npx() { printf '%s\\n' "$@"; }; ${fix}`], { env, encoding: 'utf8' }); // prettier-ignore
    const [no, program, ...argv] = words.trimEnd().split('\n');
    expect([no, program]).toEqual(['--no', 'simple-queue']);
    expect(await cli(argv, { env })).toMatchObject({ code: 0 });
    const acts = await cli([...shared, 'audit', '--json'], { env });
    expect(acts.json).toMatchObject({
      acts: [{ actor: 'ann b', action: 'resume' }, { action: 'pause' }],
    });
  });

  it.each([60, 73, 80, 100])('are one command to a shell at a width of %d', async (columns) => {
    const env = { SHOP_URL: test.database.url };
    const actor = "ann of o'neill, at the till of the shop";
    const call = ['status', '--url', test.database.url, '--schema', 'billing_queue', '--actor', actor]; // prettier-ignore
    await new QueueAdmin(test.storage, test.options).pause('mail');
    const { out } = await cli([...call, '--no-color'], { env, columns });
    const [, fix] = /fix: +(npx --no simple-queue resume mail(?:.*\\\n)*.*)/.exec(out)!;
    const words = execFileSync('sh', ['-c', `npx() { printf '%s\\n' "$@"; }; ${fix}`], { env, encoding: 'utf8' }); // prettier-ignore
    expect(words.trimEnd().split('\n').slice(2)).toEqual([
      ...['resume', 'mail', '--schema', 'billing_queue', '--url', test.database.url],
      `--actor=${actor}`,
    ]);
  });

  it('name the schema in what the library says', async () => {
    const { storage, options, database } = test;
    const admin = new QueueAdmin(storage, options);
    const queues = new QueueService(storage, options, test.events);
    const items = [1, 2].map((payload) => ({ payload, group: 'a 7', ordered: true }));
    const [, { id }] = (await queues.enqueueMany('ledger', items)) as [object, { id: string }];
    await expect(admin.retry(id)).rejects.toThrow('npx --no simple-queue groups --schema billing_queue'); // prettier-ignore
    await database.query(
      `update billing_queue.head set dead = $1, dead_at = now(), dead_until = now() + interval '1 h', dead_seq = 0`,
      [id],
    );
    expect((await admin.explain(id)).text).toContain(
      `npx --no simple-queue release ledger 'a 7' --schema billing_queue`,
    );
    const fleet = { ...options, limits: new Map([['api', { concurrency: 1 }]]) };
    const limits = new QueueLimits(storage, fleet, test.events, { reapExpiredLeases: () => Promise.resolve() }); // prettier-ignore
    const held = limits.within('api', () => admin.removeLimit('api'));
    await expect(held).rejects.toThrow('npx --no simple-queue limits set api --schema billing_queue'); // prettier-ignore
    await database.query(`update billing_queue.fleet_limit set allotted = 7`);
    const { out } = await cli(['doctor', '--only', 'LIMITS', '--schema', 'billing_queue'], { env: { DATABASE_URL: database.url } }); // prettier-ignore
    expect(out).toContain('update "billing_queue".fleet_limit l set allotted');
  });

  it('are made in one place: no text of the library names the program by itself', () => {
    const files = execFileSync('grep', ['-rlE', String.raw`PROGRAM|npx.*simple-queue [a-z]`, 'lib'], { encoding: 'utf8' }); // prettier-ignore
    const others = files.split('\n').filter((file) => file && !file.startsWith('lib/cli/'));
    expect(others).toEqual(['lib/runtime/words.ts']);
  });

  it('name the schema in errors, too', async () => {
    const env = { DATABASE_URL: test.database.url };
    expect((await cli(['status', '--schema', 'other_queue'], { env })).err).toContain(
      'Run `npx --no simple-queue migrate up --schema other_queue`',
    );
  });
});
