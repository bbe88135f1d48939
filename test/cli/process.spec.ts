import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compiled } from '../support/compiled.mjs';
import { endedJobs } from '../support/ended-jobs.js';
import { eventually } from '../support/eventually.js';
import { aStorage, Rival, waitingBackends, type TestStorage } from '../support/storage.js';

const MAIN = compiled('lib/cli/main.ts');

/** What only a process has: exit codes, pipes that close, signals. */
describe('the process', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
    await endedJobs(test, 2_000);
  });
  afterAll(() => test.close());

  function start(...argv: string[]): {
    child: ChildProcessWithoutNullStreams;
    end: Promise<{ code: number | null; out: string; err: string }>;
  } {
    const env = { ...process.env, DATABASE_URL: test.database.url, NODE_OPTIONS: '' };
    const child = spawn(process.execPath, [MAIN, ...argv], { env });
    const written = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (written.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (written.err += chunk.toString()));
    return { child, end: once(child, 'close').then(() => ({ code: child.exitCode, ...written })) };
  }

  it('exits with the code of the command, and writes answers and errors apart', async () => {
    const [right, wrong, bad] = [
      start('jobs', '--limit', '1', '--json'),
      start('queues', 'mial'),
      start('jobs', '--limit', 'x'),
    ];
    expect(JSON.parse((await right.end).out)).toMatchObject({ jobs: [{ state: 'failed' }] });
    expect(await right.end).toMatchObject({ code: 0, err: '' });
    expect(await wrong.end).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('Did you mean "mail"?'),
    });
    expect(await bad.end).toMatchObject({ code: 2, out: '' });
  });

  it('a reader that has seen enough is no failure', async () => {
    const { child, end } = start('jobs', '--all', '--json');
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await end).toMatchObject({ code: 0, err: '' });
  });

  it('exits with its code though nobody reads its errors, and leaves the warnings of the driver out of them', async () => {
    const { child, end } = start('nosuch');
    child.stderr.destroy();
    expect((await end).code).toBe(2);
    const strict = start('queues', '--json', '--url', `${test.database.url}?sslmode=require`);
    expect(JSON.parse((await strict.end).err)).toMatchObject({
      error: { hint: expect.stringContaining('sslmode') },
    });
  });

  it('Ctrl-C lets the batch that is under way end, and exits with 130', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('lock table simple_queue.dead_letter in exclusive mode');
    const { child, end } = start('redrive', '--yes', '--json');
    await eventually(async () => (await waitingBackends(test.database)) === 1);
    child.kill('SIGINT');
    await rival.rollback();
    await rival.close();
    const { code, out } = await end;
    const { revived, ...rest } = JSON.parse(out) as { revived: number };
    expect([code, rest]).toEqual([130, { dryRun: false, complete: false, keyTaken: 0, gone: 0 }]);
    // Where the process gets no processor meanwhile, it reads the database's reply before the signal, and begins other batches.
    expect([revived % 200, revived < 2_000]).toEqual([0, true]);
  });
});
