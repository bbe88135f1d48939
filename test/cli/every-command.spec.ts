import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Option } from 'commander';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { cli } from '../support/cli.js';
import { allCommands } from '../support/cli-commands.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const ID = randomUUID();

/** A right call of each command, without its own words: every argument that it must have. `[]`: it has none. */
const CALLS: Readonly<Record<string, string[]>> = {
  status: [],
  queues: ['reports'],
  groups: ['reports'],
  limits: [],
  'limits set': ['printer', '--concurrency', '2'],
  'limits reset': ['printer'],
  'limits remove': ['printer'],
  workers: [],
  sessions: [],
  jobs: [],
  job: [ID],
  explain: [ID],
  tail: [],
  dashboard: [],
  top: [],
  schedules: [],
  'schedules list': [],
  'schedules show': ['digest'],
  'schedules pause': ['digest'],
  'schedules resume': ['digest'],
  'schedules run': ['digest'],
  'schedules backfill': ['digest', '--from', '2h', '--to', '1h', '--dry-run'],
  'schedules prune': [],
  workflows: [],
  'workflows list': [],
  'workflows retry': [ID],
  'workflows cancel': [ID],
  workflow: [ID],
  audit: [],
  doctor: [],
  enqueue: ['reports', '1'],
  retry: [ID],
  redrive: [],
  change: [ID, '--priority', '1'],
  cancel: [],
  purge: ['--queue', 'reports'],
  pause: ['reports'],
  resume: ['reports'],
  release: ['reports', 'a group'],
  maintain: [],
  spool: [],
  'spool status': [tmpdir()],
  'spool replay': [tmpdir()],
  'spool export': [tmpdir()],
  init: ['test/consumers/nest-12-esm'],
  migrate: [],
  'migrate up': [],
  'migrate status': [],
  'migrate sql': [],
  'migrate down': [],
  roles: [],
};

/** Where an empty text says something: of a job without a name, a queue that is ordered as a whole, a search for everything. */
const MAY_BE_EMPTY = new Set(['--name', '--search', 'release [group]', 'jobs [words...]']);

const HUGE = 'x'.repeat(100_000);
const CONTROL = 're\u001b[31mports\r\n\u0000';

describe('every command', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
    await test.rows.job({ queue: 'reports', name: 'nightly' });
    const schedules = new QueueSchedules(test.storage, test.options, { events: test.events });
    await schedules.put('digest', { target: 'reports', everyMs: 60_000 });
    await test.storage.limits.declare({ name: 'printer', ofQueue: false, concurrency: 3 });
  });
  afterAll(() => test.close());

  /** What watches until Ctrl-C is interrupted at once. */
  const run = (argv: string[]) =>
    cli(argv, { env: { DATABASE_URL: test.database.url }, interruption: AbortSignal.abort(0) });

  const all = allCommands();

  it('has a row above', () => {
    expect(Object.keys(CALLS).sort()).toEqual(all.map(({ path }) => path).sort());
  });

  it.each(all)('$path: an argument that is missing, or one too many, is refused', async (each) => {
    const { words, path, command } = each;
    const given = CALLS[path]!;
    const needed = command.registeredArguments.filter(({ required }) => required);
    for (const [index, argument] of needed.entries()) {
      const at = given.findIndex((word) => word.startsWith('--'));
      const options = at < 0 ? [] : given.slice(at);
      const { code, out, err } = await run([...words, ...given.slice(0, index), ...options]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(`missing required argument '${argument.name()}'`);
    }
    const most = command.registeredArguments;
    if (most.some(({ variadic }) => variadic)) return;
    const tooMany = [...most.map(() => 'x'), 'reprots'];
    const { code, out, err } = await run([...words, ...tooMany, ...given.slice(most.length)]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/too many arguments|unknown command 'reprots'/);
  });

  it.each(all)('$path: its help is what "help" shows, too', async ({ words }) => {
    const { code, out } = await run([...words, '--help']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(words.join(' ')) });
    expect((await run(['help', ...words])).out).toBe(out);
    expect((await run([...words.slice(0, -1), 'help', words.at(-1)!])).out).toBe(out);
    const slip = await run(['help', ...words.slice(0, -1), `${words.at(-1)}x`]);
    const meant = expect.stringContaining(`unknown command '${words.at(-1)}x'`);
    expect(slip).toMatchObject({ code: 2, out: '', err: meant });
  });

  /** Every place of a command in which somebody writes a text: its name, and the call with a text there. */
  const places = all.flatMap(({ words, path, command }) => {
    const given = CALLS[path]!;
    const known = command.registeredArguments;
    const texts = command.options.filter((option) => option.required && !option.hidden);
    const inArgument = known.map((argument, index) => ({
      place: argument.required ? `<${argument.name()}>` : `[${argument.name()}${argument.variadic ? '...' : ''}]`,
      call: (text: string) => [...words, ...given.slice(0, index), text, ...given.slice(index + 1)],
    })); // prettier-ignore
    const inOption = texts.map((option) => ({
      place: option.long!,
      call: (text: string) => [...words, ...without(given, option), `${option.long}=${text}`],
    }));
    return [...inArgument, ...inOption].map(({ place, call }) => ({ path, place, call }));
  });

  it.each(places)('$path $place: an empty text is no text', async ({ path, place, call }) => {
    const { code, out, json, err } = await run([...call(''), '--json']);
    expect(brokenIn(err)).toBeUndefined();
    if (MAY_BE_EMPTY.has(place) || MAY_BE_EMPTY.has(`${path} ${place}`)) return;
    expect({ code, out, json }).toEqual({ code: expect.any(Number), out: '', json: undefined });
    expect(err).toMatch(namesOf(place));
  });

  it.each(places)('$path $place: a huge text is named in few words', async ({ place, call }) => {
    const { code, err } = await run([...call(HUGE), '--json']);
    expect(brokenIn(err)).toBeUndefined();
    expect(err.length).toBeLessThan(1_500);
    if (code !== 0) expect(err).toMatch(namesOf(place));
  });

  it.each(places)('$path $place: no control character reaches the screen', async ({ call }) => {
    const { out, err } = await run(call(CONTROL));
    expect(`${out}${err}`.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(err).not.toMatch(/SQLSTATE|\n {4}at /);
  });
});

/** A slip never comes as far as the database, nor does it look like a fault of the library. */
function brokenIn(err: string): string | undefined {
  return /"code":"(UNEXPECTED|DATABASE_\w+)".*/.exec(err)?.[0];
}

/** The name of an option or argument, as the command line or as the library writes it; or the text itself. */
function namesOf(place: string): RegExp {
  const name = place.replaceAll(/[^\w-]|^--/g, '');
  const camel = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return new RegExp(`${name}|${camel}|\\\\"\\\\"|xxxxx`, 'i');
}

const without = (given: string[], { long }: Option): string[] => {
  const at = given.indexOf(long!);
  return at < 0 ? given : given.toSpliced(at, 2);
};
