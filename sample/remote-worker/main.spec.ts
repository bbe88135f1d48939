import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { compiled } from '../../test/support/compiled.mjs';
import type { TestDatabase } from '../../test/support/database.js';
import { hasRedis, TestRedis } from '../../test/support/redis.js';
import { patient } from '../../test/support/patience.mjs';
import { aDatabase } from '../../test/support/template.js';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const withPython = hasPython ? it : it.skip;

describe('npm run start:remote-worker', () => {
  let database: TestDatabase;

  beforeAll(async () => void (database = await aDatabase()));
  afterAll(() => database.drop());

  async function start(
    env: Record<string, string>,
  ): Promise<{ code: number; output: string; errors: string }> {
    const demo = spawn(process.execPath, [compiled('sample/remote-worker/main.ts')], {
      env: { ...process.env, DATABASE_URL: database.url, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, errors, [code]] = await Promise.all([
      text(demo.stdout),
      text(demo.stderr),
      once(demo, 'exit'),
    ]);
    return { code: code as number, output, errors };
  }

  withPython(
    `lets a Python worker work jobs over HTTP${hasPython ? '' : ' (skipped: there is no python3 here)'}`,
    async () => {
      const { code, output, errors } = await start({});
      // A lease that a busy machine was too late to renew: its jobs were run again.
      const others = errors.replace(/^worker \d+: \w+ [\w-]+: LEASE_\w+\n/gm, '');
      expect({ code, others }).toEqual({ code: 0, others: '' });
      expect(output).toContain(
        'succeeded  attempt 1, {"text":"three short words"} -> {"words":3,"longest":"three"}',
      );
      expect(output).toContain(
        'succeeded  attempt 1, {"text":"only with a label"} -> {"words":4,"longest":"label"}',
      );
      expect(output).toMatch(/succeeded {2}attempt 2, .*second time lucky/);
      expect(output).toMatch(/succeeded {2}attempt 1, .*takes longer than its lease/);
      expect(output).toContain(
        'failed     attempt 1, {"text":42} -> ValueError: the payload needs a text',
      );
      const [worker] = await database.query<{ worker: string }>(
        `select distinct worker from simple_queue.archive`,
      );
      expect(worker!.worker).toMatch(/:\d+$/);
      expect(await database.query(`select from simple_queue.lease`)).toEqual([]);
    },
    patient(60_000),
  );

  const withBoth = hasPython && hasRedis ? it : it.skip;
  withBoth(
    `does the same on Redis${hasRedis ? '' : ' (skipped: there is no redis-server here)'}`,
    async () => {
      const redis = await TestRedis.start('--appendonly', 'yes');
      const { code, output } = await start({ DATABASE_URL: redis.url });
      await redis.stop();
      expect({ code, output }).toEqual({
        code: 0,
        output: expect.stringContaining('worker     ended with 0'),
      });
      expect(output.match(/^succeeded /gm)).toHaveLength(8);
      expect(output).toMatch(/succeeded {2}attempt 2, .*second time lucky/);
    },
    patient(60_000),
  );

  it('does not start with a token that can be guessed', async () => {
    const { code, errors } = await start({ REMOTE_WORKER_TOKEN: 'secret' });
    expect(code).toBe(1);
    expect(errors).toContain('Set REMOTE_WORKER_TOKEN to at least 20 characters');
  });
});
