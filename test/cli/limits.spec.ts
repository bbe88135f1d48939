import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueLimits } from '../../lib/limits/queue-limits.js';
import { anApplication, PATIENT, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';

describe('limits set', () => {
  let database: TestDatabase;
  let application: TestApplication;

  beforeAll(async () => {
    database = await aDatabase();
    const limits = { api: { concurrency: 5, rate: { limit: 5, perMs: 1_000 } } };
    application = await anApplication(database, { options: { ...PATIENT, limits } });
  });
  afterAll(async () => {
    await application.close();
    await database.drop();
  });

  const set = (...flags: string[]) =>
    cli(['limits', 'set', 'api', ...flags], { env: { DATABASE_URL: database.url } });
  const rateOf = async () =>
    (await application.app.get(QueueAdmin, { strict: false }).limits())[0]!.rate;

  it.each([
    ['100/1000', { limit: 100, perMs: 1_000 }],
    ['100/1s', { limit: 100, perMs: 1_000 }],
    ['7/2 min', { limit: 7, perMs: 120_000 }],
    ['3/0.5s', { limit: 3, perMs: 500 }],
    ['none', undefined],
  ])('takes a rate of %s', async (rate, kept) => {
    expect(await set('--rate', rate)).toMatchObject({ code: 0, err: '' });
    if (kept) expect(await rateOf()).toMatchObject(kept);
    else expect(await rateOf()).toBeUndefined();
  });

  it.each([
    ['100'],
    ['100/'],
    ['/1s'],
    ['100/1 moon'],
    ['x/1s'],
    ['100/1s/2'],
    ['1.5/1s'],
    ['0/1s'],
  ])('refuses a rate of %s, and changes nothing', async (rate) => {
    const before = await rateOf();
    expect(await set('--rate', rate)).toMatchObject({ code: 2, out: '' });
    expect(await rateOf()).toEqual(before);
  });

  describe('of each key', () => {
    const run = (...argv: string[]) => cli(argv, { env: { DATABASE_URL: database.url } });
    const admin = () => application.app.get(QueueAdmin, { strict: false });
    const imports = async () =>
      (await admin().limits())
        .filter(({ name }) => name === 'imports')
        .map(({ perKey = false, concurrency, setAt }) => [
          perKey,
          concurrency,
          setAt !== undefined,
        ]);
    const keyOf = async (id: string) =>
      (await database.query('select limit_key from simple_queue.job where id = $1', [id]))[0];

    it('is set and reset by the name that the list prints, and leaves that of the queue alone', async () => {
      await run('enqueue', 'imports', '{"t":"A"}', '--new-queue');
      await database.query(
        `insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'imports/*', true, 1, '{}')`,
      );
      await admin().setLimit('imports', { fleetConcurrency: 9, perKey: { concurrency: 1 } });
      expect((await run('limits')).out).toMatch(/imports\/\* +1 +of each key/);
      expect(await run('limits', 'set', 'imports/*', '--concurrency', '2')).toMatchObject({
        code: 0,
      });
      expect(await imports()).toEqual([
        [false, 9, true],
        [true, 2, true],
      ]);
      expect(await run('limits', 'reset', 'imports/*')).toMatchObject({ code: 0 });
      expect(await imports()).toEqual([
        [false, 9, true],
        [true, 2, false],
      ]);
      await admin().setLimit('imports', { perKey: { concurrency: 3 } });
      expect(await run('limits', 'reset', 'imports')).toMatchObject({ code: 0 });
      expect(await imports()).toEqual([
        [false, 9, false],
        [true, 3, true],
      ]);
    });

    it('holds for jobs of the command line: they name their key, or say that they have none', async () => {
      const refused = await run('enqueue', 'imports', '{"t":"A"}');
      expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--key') });
      const stored = async (...flags: string[]) =>
        keyOf((await run('enqueue', 'imports', '{"t":"A"}', ...flags)).out.split(' ')[0]!);
      expect(await stored('--key', 'A')).toEqual({ limit_key: 'A' });
      expect(await stored('--no-key')).toEqual({ limit_key: null });
      await admin().setLimit('imports', { perKey: { concurrency: 1 } });
      const { id } = (await run('enqueue', 'imports', '1', '--key', 'A', '--json')).json as {
        id: string;
      };
      await expect(admin().retry(id)).rejects.toMatchObject({ code: 'JOB_HELD', message: expect.stringContaining('a permit of its key') }); // prettier-ignore

      expect(await run('change', id, '--payload', '2')).toMatchObject({ code: 1, err: expect.stringContaining('--no-key') }); // prettier-ignore
      expect(await run('change', id, '--payload', '2', '--key', 'B')).toMatchObject({ code: 0 });
      expect(await keyOf(id)).toEqual({ limit_key: 'B' });
      expect(await run('change', id, '--payload', '3', '--no-key')).toMatchObject({ code: 0 });
      expect(await keyOf(id)).toEqual({ limit_key: null });
      const [act] = await admin().audit({ action: 'change' });
      expect(act!.selector).toEqual({ id, changed: expect.arrayContaining(['payload']) });
    });

    it('ends a rest alone, and is removed where no process declares it', async () => {
      await application.app.get(QueueLimits, { strict: false }).slowDown('api', 7_200_000);
      const rests = async () => (await admin().troubles()).filter(({ code }) => code === 'LIMITS');
      const [trouble] = await rests();
      const fix = trouble!.fix.split(' ').slice(3);
      expect(await run(...fix)).toMatchObject({ code: 0, out: expect.stringContaining('rests no more') }); // prettier-ignore
      expect(await rests()).toEqual([]);

      await database.query(
        `insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule) values (0, 'old', false, 1, '{}')`,
      );
      expect((await run('limits')).out).toMatch(/old +1 +0 +undeclared/);
      const look = await run('doctor', '--only', 'LIMITS');
      expect(look.out).toMatch(/declared by no worker that is alive: .*"old"/);
      expect(await run('limits', 'remove', 'old')).toMatchObject({ code: 0 });
      expect(await run('limits', 'remove', 'old')).toMatchObject({ code: 1, err: expect.stringContaining('no limit has this name') }); // prettier-ignore
      await admin().setLimit('imports', { rate: { limit: 1, perMs: 86_400_000 } });
      await run('enqueue', 'imports', '1', '--no-key');
      await run('enqueue', 'imports', '1', '--no-key');
      expect((await run('doctor', '--only', 'LIMITS')).out).toMatch(/within a day at the rate.*"imports"/s); // prettier-ignore
    });
  });

  it.each(['jobs', 'purge', 'redrive', 'cancel'])(
    '%s refuses what is said twice',
    async (command) => {
      const run = (...flags: string[]) =>
        cli([command, ...flags], { env: { DATABASE_URL: database.url } });
      for (const flags of [
      ['--search', 'queue:led state:cancelled', '--queue', 'mail'],
      ['--search', 'key:a', '--unique-key', 'b', '--queue', 'mail'],
      ['--queue', 'led', '--queue', 'mail'],
    ])
      expect(await run(...flags)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('said twice') }); // prettier-ignore
      expect(await run('--search', 'name:', '--queue', 'imports')).toMatchObject({
        code: 0,
      });
    },
  );
});
