import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { Enqueuer } from '../../lib/enqueue/enqueuer.js';
import type { DeclaredLimit } from '../../lib/job/limit.js';
import { FleetLimits } from '../../lib/limits/fleet-limits.js';
import { TALLIED, type Tallied } from '../../lib/observability/run-tally.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const DAILY = { limit: 1, perMs: 86_400_000 };
const NOTHING = Object.fromEntries(TALLIED.map((what) => [what, 0])) as Record<Tallied, number>;
const items = (count: number, tenant: string) =>
  Array.from({ length: count }, () => ({ payload: { tenant } }));

describe('the doctor, of limits', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
  });
  beforeEach(() => test.rows.clear());
  afterAll(() => test.close());

  const look = async () => {
    const doctor = new QueueDoctor(test.storage, resolveOptions({}).options);
    return (await doctor.examine({ only: ['LIMITS'] })).map(({ level, found }) => [level, found]);
  };
  const declare = (limit: DeclaredLimit) => test.storage.limits.declare(limit);
  const enqueuer = (options: SimpleQueueOptions = {}) =>
    new Enqueuer(test.storage, resolveOptions(options).options, test.events);
  const laneOf = async (queue: string) => (await test.storage.lanes.numbersOf({ queue }))[0]!;
  const slow = (...which: string[]) =>
    expect.arrayContaining([['warning', `What waits cannot be done within a day at the rate that it obeys: ${which.join(', ')}.`]]); // prettier-ignore

  it('finds what waits for longer than a day at the rate of a queue, of a limit with a name, and of a key', async () => {
    const perKey = { by: 'tenant', rate: DAILY };
    const queues = { keyed: { perKey } };
    await declare({ name: 'plain', ofQueue: true, rate: DAILY });
    await declare({ name: 'api', ofQueue: false, rate: DAILY });
    await declare({ name: 'keyed/*', ofQueue: true, rate: DAILY });
    const each = ['plain', 'calls', 'keyed', 'other'];
    for (const queue of each) await enqueuer({ queues }).enqueueMany(queue, [...items(1, 'a'), ...items(1, 'b')].slice(0, queue === 'keyed' ? 2 : 1), {}); // prettier-ignore
    const lease = await test.rows.lease();
    const lanes = [await laneOf('calls')];
    await test.storage.limits.take('api', { lease, more: 0, wanted: 0, lanes, declares: null });
    expect(await look()).not.toEqual(slow(expect.anything() as never));
    expect((await look()).filter(([level]) => level === 'warning')).toEqual([]);

    for (const queue of each) await enqueuer({ queues }).enqueueMany(queue, items(2, 'a'), {});

    expect(await look()).toEqual(
      slow(
        `"api" (1 starts in ${DAILY.perMs} ms): 3 jobs, 3 days`,
        `"keyed/*" (1 starts in ${DAILY.perMs} ms): 3 jobs in the fullest of 1 key, 3 days`,
        `"plain" (1 starts in ${DAILY.perMs} ms): 3 jobs, 3 days`,
      ),
    );
  });

  it('finds what waits for longer than a day with so many runs at once, as long as they took in the last hour: of a queue, a limit with a name, and a key', async () => {
    const queues = { keyed: { perKey: { by: 'tenant', concurrency: 2 } } };
    await declare({ name: 'plain', ofQueue: true, concurrency: 2 });
    await declare({ name: 'api', ofQueue: false, concurrency: 2 });
    await declare({ name: 'keyed/*', ofQueue: true, concurrency: 2 });
    const each = ['plain', 'calls', 'keyed', 'other'];
    for (const queue of each) await enqueuer({ queues }).enqueueMany(queue, [...items(4, 'a'), ...items(1, 'b')], {}); // prettier-ignore
    const lease = await test.rows.lease();
    const lanes = [await laneOf('calls')];
    await test.storage.limits.take('api', { lease, more: 0, wanted: 0, lanes, declares: null });
    const warned = async () => (await look()).filter(([level]) => level === 'warning');
    expect(await warned()).toEqual([]);

    // What ran for at least 2 ** 26 ms, 18.6 hours.
    const run = Array.from({ length: 28 }, (_, bucket) => (bucket === 27 ? 1 : 0));
    const tally = { ...NOTHING, wait: [], run };
    const counted = await Promise.all(each.map(async (queue) => ({ ...tally, lane: await laneOf(queue) }))); // prettier-ignore
    await test.storage.tallies.write({ worker: 'w', lanes: counted, ms: 1, keepMs: 3_600_000 });

    expect(await warned()).toEqual([
      [
        'warning',
        'What waits cannot be done within a day by so many at once, as long as runs took in the last hour: "api" (2 at once): runs of 4 days, 47 hours, "keyed/*" (2 at once): runs of 3 days in the fullest of 1 key, 37 hours, "plain" (2 at once): runs of 4 days, 47 hours.',
      ],
    ]);
  });

  it('finds what an operator has set and nobody obeys, since no worker declares it: a queue obeys it all the same', async () => {
    const concurrency = 2;
    await declare({ name: 'api', ofQueue: false, concurrency });
    await declare({ name: 'keyed/*', ofQueue: true, concurrency });
    await test.storage.lanes.of('plain', '');
    const admin = new QueueAdmin(test.storage, test.options);
    await admin.setLimit('api', { concurrency: 3 });
    await admin.setLimit('keyed', { perKey: { concurrency: 3 } });
    await admin.setLimit('plain', { fleetConcurrency: 3 });
    expect(await look()).toEqual([['notice', 'Limits are declared by no worker that is alive: "api", "keyed/*".']]); // prettier-ignore
  });

  it('finds processes that declare something else, also where they read keys elsewhere, which a warning tells them', async () => {
    const warnings: string[] = [];
    const stop = test.events.on('warning', ({ code, message }) => void warnings.push(`${code} ${message}`)); // prettier-ignore
    const declared = async (by: string | (() => string)) => {
      const { options } = resolveOptions({ queues: { keyed: { perKey: { by, concurrency: 2 } } } });
      const { limits } = test.storage;
      const fleet = new FleetLimits({ storage: test.storage, options, events: test.events });
      const [name, lease] = ['keyed/*', await test.rows.lease()];
      await fleet.declare(lease);
      await limits.take(name, { lease, more: 0, wanted: 0, lanes: [], declares: fleet.declares(name) }); // prettier-ignore
    };
    await declared('tenant');
    await declared('tenant');
    expect(warnings).toEqual([]);
    await declared('account');
    await declared(() => 'x');
    stop();
    expect(warnings).toEqual([
      expect.stringMatching(/^LIMIT_DIFFERS Limit "keyed\/\*" is 2 at once, the key by "tenant", and this process declares 2 at once, the key by "account"\./), // prettier-ignore
      expect.stringMatching(/^LIMIT_DIFFERS .* declares 2 at once, the key by a function\./),
    ]);
    expect(await look()).toContainEqual(['notice', 'Processes declare something else of: "keyed/*" (2 at once, the key by "tenant" rules).']); // prettier-ignore
  });
});
