import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { QueueSchedule } from '../../lib/decorators/queue-schedule.decorator.js';
import { SimpleQueueModule } from '../../lib/module/simple-queue.module.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { aDashboard } from '../dashboard/a-dashboard.js';
import { aHandler, anApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';

const RATE = { limit: 5, perMs: 1_000 };
const NUMBERS = [0, -1, 1.5, NaN, Infinity, 1e7, '5', 5n, true, {}, [], Symbol('x'), () => 1];
const TIMES = [0, -1, NaN, Infinity, 9, 1.5, 5n, true, {}, '', '5 moons', '25 h', Symbol('x')];
const RATES = [
  ...[7, '100/1s', [], {}, { limit: 1 }, { perMs: 1_000 }, { ...RATE, limits: 2 }],
  ...NUMBERS.flatMap((number) => [
    { ...RATE, limit: number },
    { ...RATE, burst: number },
  ]),
  ...TIMES.map((perMs) => ({ ...RATE, perMs })),
  ...[
    { ...RATE, strict: 1 },
    { ...RATE, strict: true, burst: 2 },
  ],
];
const PATHS = ['', '.', 'a..b', 'a.', '.a', 'x'.repeat(201), ...NUMBERS.filter((number) => typeof number !== 'function' && number !== '5')]; // prettier-ignore
const PER_KEY = [
  ...[null, 7, [], {}, { by: 'a' }, { concurrency: 1 }, { by: 'a', concurency: 1 }],
  ...[
    { by: 'a', concurrency: 10_001 },
    { by: 'a', rate: { ...RATE, strict: true } },
  ],
  ...[
    { by: 'a', concurrency: 1, overflow: 'dropNewest' },
    { by: 'a', concurrency: 1, weight: 2 },
  ],
  ...NUMBERS.map((concurrency) => ({ by: 'a', concurrency })),
  ...RATES.map((rate) => ({ by: 'a', rate })),
  ...PATHS.map((by) => ({ by, concurrency: 1 })),
];
const NAMES = ['', 'a b', 'x'.repeat(101), 'a\0', 'mail/*', '*', '\ud800', null, 7, {}];

/** What a limit cannot be, at each door by which somebody may say it. Each is refused by its own code, and nothing is written. */
describe('what a limit cannot be', () => {
  let database: TestDatabase;
  let dashboard: Awaited<ReturnType<typeof aDashboard>>;

  beforeAll(async () => {
    database = await aDatabase();
    dashboard = await aDashboard(database, { dashboard: { access: () => 'all' } });
    await dashboard.app.get(QueueService).enqueue('mail', {});
    await database.query(
      `insert into simple_queue.fleet_limit (shard, name, of_queue, concurrency, rule)
      values (0, 'mail', true, 7, '{"concurrency":7}'), (0, 'mail/*', true, 7, '{"concurrency":7}'), (0, 'api', false, 7, '{"concurrency":7}')`,
    );
  });
  afterAll(async () => {
    await dashboard.close();
    await database.drop();
  });

  const admin = () => dashboard.app.get(QueueAdmin);
  const rows = async () =>
    JSON.stringify(await database.query('select l.*, (select count(*) from simple_queue.schedule) from simple_queue.fleet_limit l order by name')); // prettier-ignore
  /** Tries them all, and says which were not refused as they should be. */
  const refuses = async <T>(code: string, given: readonly T[], work: (value: T) => unknown) => {
    const before = await rows();
    const wrong: unknown[] = [];
    for (const value of given) {
      const error = await Promise.resolve(value).then(work).then(() => undefined, (thrown: unknown) => thrown as Error & { code?: string }); // prettier-ignore
      if (error?.name !== 'QueueError' || error.code !== code || /undefined|\[object/.test(error.message)) wrong.push([value, error]); // prettier-ignore
    }
    expect(wrong).toEqual([]);
    expect(await rows()).toBe(before);
  };

  it('is refused by a factory of options that promises them, and nothing of the others is written', async () => {
    const start = async ([options, cron]: [object, string?]) => {
      const handler = aHandler('mail', () => undefined);
      if (cron) QueueSchedule({ cron, name: 'wrong' })(handler);
      if (cron) QueueSchedule({ cron: '@daily', name: 'good' })(handler);
      const module = await Test.createTestingModule({
        imports: [
          TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 }),
          SimpleQueueModule.forRootAsync({ useFactory: async () => options }),
        ],
        providers: [handler],
      }).compile();
      started.push(module);
      await module.init();
    };
    const started: TestingModule[] = [];
    const good = { aaa: { concurrency: 1 } };
    await refuses<[object, string?]>('INVALID_OPTION', [
      [{ limits: { ...good, api: {} } }],
      [{ limits: good, queues: { mail: { rate: { limit: 0, perMs: 1_000 } } } }],
      [{ limits: good, queues: { mail: { perKey: { by: 'tenant' } } } }],
      [{ limits: good, queues: { mail: { uses: 'aaa' } } }],
      [{ limits: good, schedules: { owner: '' } }],
    ], start); // prettier-ignore
    await refuses<[object]>('LIMIT_UNKNOWN', [[{ limits: good, queues: { mail: { uses: ['aab'] } } }]], start); // prettier-ignore
    await refuses<[object]>('LIMIT_NAME_TAKEN', [
      [{ limits: { ...good, mail: { concurrency: 1 } } }],
      [{ limits: good, queues: { api: { fleetConcurrency: 1 } } }],
    ], start); // prettier-ignore
    await refuses<[object, string]>('SCHEDULE_PATTERN_INVALID', [[{ limits: good }, '99 * * * *']], start); // prettier-ignore
    await Promise.all(started.map((module) => module.close()));
  });

  it('is refused by forRoot', async () => {
    const queue = (settings: object) => resolveOptions({ queues: { mail: settings } });
    const named = (limit: unknown) => resolveOptions({ limits: { api: limit } } as never);
    await refuses('INVALID_OPTION', NUMBERS, (fleetConcurrency) => queue({ fleetConcurrency }));
    await refuses('INVALID_OPTION', NUMBERS, (concurrency) => named({ concurrency }));
    await refuses('INVALID_OPTION', [...RATES, null], (rate) => queue({ rate }));
    await refuses('INVALID_OPTION', [...RATES, null], (rate) => named({ rate }));
    await refuses('INVALID_OPTION', PER_KEY, (perKey) => queue({ perKey }));
    await refuses('INVALID_OPTION', [[], 'mine', 7, {}, [7], [''], ['a b']], (uses) => queue({ uses })); // prettier-ignore
    await refuses('LIMIT_UNKNOWN', [['theirs'], ['__proto__']], (uses) => queue({ uses }));
    await refuses('INVALID_OPTION', [null, 7, [], 'x'], (limits) => resolveOptions({ limits } as never)); // prettier-ignore
    await refuses('INVALID_OPTION', NAMES.slice(0, 7), (name) => resolveOptions({ limits: { [name as string]: { concurrency: 1 } } })); // prettier-ignore
  });

  it('is refused by handlers, whose start fails before anything is declared', async () => {
    const start = (options: object) => {
      class Handler {
        process = (): void => undefined;
      }
      QueueHandler('mail', options)(Handler);
      return anApplication(database, { options: { limits: { mine: { concurrency: 1 } } }, providers: [Handler] }); // prettier-ignore
    };
    const lists = [[], 'mine', 7, {}, [7], [''], ['a b'], ['mine', null]];
    await refuses('HANDLER_INVALID', lists, (uses) => start({ uses }));
    await refuses('LIMIT_UNKNOWN', [['theirs'], ['mine', 'mail']], (uses) => start({ uses }));
  });

  it('is refused by setLimit, resetLimit and removeLimit', async () => {
    const set = (change: object) => admin().setLimit('mail', change);
    await refuses('INVALID_OPTION', NUMBERS, (fleetConcurrency) => set({ fleetConcurrency }));
    await refuses('INVALID_OPTION', NUMBERS, (concurrency) => admin().setLimit('api', { concurrency } as never)); // prettier-ignore
    await refuses('INVALID_OPTION', NUMBERS, (concurrency) => set({ perKey: { concurrency } }));
    await refuses('INVALID_OPTION', RATES, (rate) => set({ fleetConcurrency: 3, rate }));
    await refuses('INVALID_OPTION', RATES, (rate) =>
      set({ fleetConcurrency: 3, perKey: { rate } }),
    );
    const empty = [{}, { perKey: {} }, { perKey: { rate: undefined } }, { rate: undefined }, { fleetConcurrency: 3, perKey: {} }]; // prettier-ignore
    await refuses('INVALID_OPTION', empty, set);
    await refuses('INVALID_NAME', NAMES, (name) => admin().setLimit(name as never, { rate: RATE }));
    await refuses('INVALID_NAME', NAMES, (name) => admin().resetLimit(name as never));
    await refuses('INVALID_NAME', NAMES, (name) => admin().removeLimit(name as never));
    await refuses('LIMIT_UNKNOWN', ['mial', '__proto__'], (name) => admin().setLimit(name, { rate: RATE })); // prettier-ignore
  });

  it.each([
    ...[['--concurrency', ''], ['--concurrency', 'x'], ['--concurrency', '0'], ['--concurrency', '0x10']], // prettier-ignore
    ...[['--concurrency', '1e3'], ['--concurrency', '3', '--strict'], ['--concurrency', '3', '--burst', '2']], // prettier-ignore
    ...[['--rate', 'none', '--strict'], ['--rate', '5/1s', '--burst', ''], ['--rate', '5/1s', '--burst', '2', '--strict']], // prettier-ignore
    ...[
      ['--concurrency', '3', '--rate', '5/1 moon'],
      ['--concurrency', '3', '--rate', '5/25h'],
      [],
    ],
  ])('is refused on the command line: %s %s %s %s', async (...flags) => {
    const before = await rows();
    for (const name of ['mail', 'mail/*', 'api', 'mial']) {
      const said = await cli(['limits', 'set', name, ...flags], { env: { DATABASE_URL: database.url } }); // prettier-ignore
      expect(said).toMatchObject({ code: 2, out: '' });
      expect(said.err).toMatch(/^error: \S/);
    }
    expect(await rows()).toBe(before);
  });

  it('is refused by the dashboard', async () => {
    const before = await rows();
    const changes = [7, null, {}, { perKey: {} }, { fleetConcurrency: 0 }, { fleetConcurrency: 3, rate: { limit: 1 } }, { fleetConcurency: 3 }]; // prettier-ignore
    for (const change of changes) {
      const answer = await dashboard.post('/queues/api/set-limit', { name: 'mail', change });
      expect([change, answer.status]).toEqual([change, 400]);
    }
    for (const [name, status] of [['mial', 404], ['a b', 400], [7, 400]]) // prettier-ignore
      expect((await dashboard.post('/queues/api/set-limit', { name, change: { rate: RATE } })).status).toBe(status); // prettier-ignore
    expect(await rows()).toBe(before);
  });
});
