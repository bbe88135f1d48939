import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { cli } from '../support/cli.js';
import { aStorage, type TestStorage } from '../support/storage.js';

/** Whatever somebody mistypes is named, with what was probably meant. */
describe('a slip', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
    await test.rows.job({ queue: 'reports', name: 'nightly' });
    const schedules = new QueueSchedules(test.storage, test.options, { events: test.events });
    await schedules.put('digest', { target: 'reports', everyMs: 60_000 });
    await test.storage.limits.declare({ name: 'printer', ofQueue: false, concurrency: 3 });
  });
  afterAll(() => test.close());

  const run = (argv: string[]) => cli(argv, { env: { DATABASE_URL: test.database.url } });

  /** Every command and subcommand, with the long names of its options, as its help has them. */
  async function commands(path: string[] = []): Promise<{ path: string[]; options: string[] }[]> {
    const { out } = await run([...path, '--help']);
    const parts = [...out.matchAll(/^(\w[\w ]*):\n((?: {2}.*\n)+)/gm)];
    const listed = (isWanted: (title: string) => boolean, line: RegExp) =>
      parts
        .filter(([, title]) => isWanted(title!))
        .flatMap(([, , lines]) => [...lines!.matchAll(line)].map(([, name]) => name!));
    const options = listed((title) => title.includes('ptions'), /^ {2}(?:-\w, )?(--[a-z-]+)/gm);
    const isCommands = (title: string) => !/ptions|Arguments|Examples|Usage/.test(title);
    const names = listed(isCommands, /^ {2}([a-z]+)(?= |$)/gm).filter((name) => name !== 'help');
    const below = (path.length < 2 ? names : []).map((name) => commands([...path, name]));
    return [{ path, options }, ...(await Promise.all(below)).flat()];
  }

  it('in an option is refused by every command, with the option that was meant', async () => {
    const all = await commands();
    expect(all.length).toBeGreaterThan(40);
    for (const { path, options } of all)
      for (const option of options.filter((name) => name.length > 6)) {
        const slip = `${option.slice(0, -2)}${option.at(-1)}`;
        // What has to be there is asked for first.
        const wanted = path[1] === 'backfill' ? ['--from', '2h', '--to', '1h'] : [];
        const { code, out, err } = await run([...path, ...wanted, slip]);
        const told = err.includes(`unknown option '${slip}'`) && err.includes('Did you mean');
        expect({ path, slip, code, out, told }).toEqual({
          path,
          slip,
          code: 2,
          out: '',
          told: true,
        });
      }
  });

  it('in a command or a subcommand is refused, with the one that was meant', async () => {
    const all = (await commands()).filter(({ path }) => path.length > 0);
    for (const { path } of all.filter((each) => each.path.at(-1)!.length > 3)) {
      const name = path.at(-1)!;
      const slip = [...path.slice(0, -1), `${name}x`];
      const { code, out, err } = await run(slip);
      const told = err.includes(`'${name}x'`) && err.includes(name);
      expect({ slip, code, out, told }).toEqual({ slip, code: 2, out: '', told: true });
    }
  });

  it.each([
    [['queues', 'reprots'], 'reports'],
    [['pause', 'reprots'], 'reports'],
    [['resume', 'reprots'], 'reports'],
    [['enqueue', 'reprots', '1'], 'reports'],
    [['groups', 'reprots'], 'reports'],
    [['release', 'reprots'], 'reports'],
    [['release', 'reprots', '--all', '--yes'], 'reports'],
    [['jobs', '--queue', 'reprots'], 'reports'],
    [['jobs', 'queue:reprots'], 'reports'],
    [['jobs', '--queue', 'reprots', '--all'], 'reports'],
    [['redrive', '--search', 'queue:reprots', '--yes'], 'reports'],
    [['purge', '--search', 'queue:reprots', '--yes'], 'reports'],
    [['cancel', '--search', 'queue:reprots', '--yes'], 'reports'],
    [['redrive', '--queue', 'reprots', '--yes'], 'reports'],
    [['purge', '--queue', 'reprots', '--yes'], 'reports'],
    [['cancel', '--queue', 'reprots', '--yes'], 'reports'],
    [['tail', '--queue', 'reprots'], 'reports'],
    [['schedules', 'show', 'digets'], 'digest'],
    [['schedules', 'pause', 'digets'], 'digest'],
    [['schedules', 'resume', 'digets'], 'digest'],
    [['schedules', 'run', 'digets'], 'digest'],
    [['schedules', 'backfill', 'digets', '--from', '2h', '--to', '1h'], 'digest'],
    [['limits', 'set', 'pirnter', '--concurrency', '2'], 'printer'],
    [['limits', 'reset', 'pirnter'], 'printer'],
    [['limits', 'remove', 'pirnter'], 'printer'],
  ])('in the name of %j is named, and so is %s', async (argv, meant) => {
    const { code, err } = await run(argv);
    expect(code).toBe(1);
    expect(err).toContain(`Did you mean "${meant}"?`);
  });

  it.each([['retry'], ['cancel'], ['workflows', 'retry'], ['workflows', 'cancel']])(
    'in one of several ids of %s %s does nothing, and each is named',
    async (...path) => {
      const { code, out, err } = await run([...path, randomUUID(), 'seven', 'nine']);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('"seven", "nine" are no UUIDs. Nothing was done.');
    },
  );
});
