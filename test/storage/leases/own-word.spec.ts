import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueuePolicies } from '../../../lib/options/queue-policy.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../../lib/options/simple-queue.options.js';
import { LeaseRepository } from '../../../lib/storage/leases/lease.repository.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';

const OLD = { archive: false, maxStalls: 1 } as const;
const YOUNG = { archive: { keepMs: 60_000 }, maxStalls: 2 } as const;

describe('what workers of two releases say of the ends in a queue', () => {
  let test: TestStorage;
  let lanes: number[];

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(async () => {
    await test.rows.clear();
    lanes = [(await test.rows.lane('mail')).id];
    await test.database.query('update simple_queue.queue set policy = null');
  });
  afterAll(() => test.close());

  /** A process that serves the queue: its first word, and the repeats. */
  async function aWorker(settings: SimpleQueueOptions) {
    const warnings: string[] = [];
    const warn = (warning: { code: string; message: string }) =>
      void warnings.push(`${warning.code} ${warning.message}`);
    const leases = new LeaseRepository(test.storage.database, warn);
    const policies = new QueuePolicies(resolveOptions(settings).options).ends();
    await leases.take(randomUUID(), 'w', 60_000, { lanes, policies });
    return { repeat: () => leases.declare(lanes, policies), warnings };
  }

  const policy = async () =>
    (
      await test.database.query<{ policy: Record<string, unknown> }>(
        `select policy from simple_queue.queue where name = 'mail'`,
      )
    )[0]!.policy;
  const maxStalls = async () => (await policy()).maxStalls;
  /** Nobody has said anything for so long. */
  const pass = (seconds: number) =>
    test.database.query(
      `update simple_queue.queue set policy = jsonb_set(policy, '{asked}', to_jsonb((policy ->> 'asked')::float8 - $1::float8)) where policy ? 'asked'`,
      [seconds],
    );

  it.each([
    ['the old one started first', OLD, YOUNG, 2],
    ['it started again meanwhile', YOUNG, OLD, 1],
  ])('is what the younger says, over all repeats: %s', async (_, earlier, later, held) => {
    const older = await aWorker(earlier);
    const younger = await aWorker(later);
    for (let minutes = 0; minutes < 5; minutes++) {
      expect(await maxStalls()).toBe(held);
      await older.repeat();
      expect(await maxStalls()).toBe(held);
      await pass(60);
      await younger.repeat();
      expect(await policy()).not.toHaveProperty('asked');
    }
    expect(younger.warnings).toEqual([]);
    expect(older.warnings).toHaveLength(1);
  });

  it('warns the older once, with the queue and both words', async () => {
    const older = await aWorker(OLD);
    await aWorker(YOUNG);
    await older.repeat();
    await older.repeat();
    expect(older.warnings).toEqual([
      expect.stringMatching(
        /^POLICY_DIFFERS .* in "mail" \(archive 60000, here false; maxStalls 2, here 1\)\. /,
      ),
    ]);
    // Another word is worth another line.
    await aWorker({ ...YOUNG, maxStalls: 7 });
    await older.repeat();
    expect(older.warnings).toHaveLength(2);
  });

  it('is what the older says again, when the younger has been silent for three minutes', async () => {
    const older = await aWorker(OLD);
    await aWorker(YOUNG);
    await older.repeat();
    await pass(170);
    await older.repeat();
    expect(await maxStalls()).toBe(2);
    await pass(20);
    await older.repeat();
    expect(await maxStalls()).toBe(1);
    expect(await policy()).not.toHaveProperty('asked');
    const younger = await aWorker(YOUNG);
    expect(await maxStalls()).toBe(2);
    await younger.repeat();
    expect(older.warnings).toHaveLength(1);
  });

  it('is confirmed by any process of the younger release that is not older than who said it', async () => {
    const old = await aWorker(OLD);
    const gone = await aWorker(YOUNG);
    const { by } = await policy();
    const last = await aWorker(YOUNG);
    expect(await policy()).toMatchObject({ by });
    await old.repeat();
    await last.repeat();
    expect(await policy()).not.toHaveProperty('asked');
    expect((await policy()).by).toBeGreaterThan(by as number);
    // Its word is younger by now: this one leaves it to those who live.
    await old.repeat();
    await gone.repeat();
    expect(await policy()).toHaveProperty('asked');
    expect(await maxStalls()).toBe(2);
  });

  it('is taken over from one that started before, as soon as a younger one that says the same has repeated it', async () => {
    await aWorker(YOUNG);
    const restarted = await aWorker(OLD);
    expect(await maxStalls()).toBe(1);
    const younger = await aWorker(YOUNG);
    await restarted.repeat();
    await younger.repeat();
    await restarted.repeat();
    expect(await maxStalls()).toBe(2);
  });

  it('is written once where nobody says otherwise', async () => {
    const [first, second] = [await aWorker(YOUNG), await aWorker(YOUNG)];
    const version = async () =>
      (
        await test.database.query(`select ctid, xmin from simple_queue.queue where name = 'mail'`)
      )[0];
    const before = await version();
    for (const worker of [second, first, second, await aWorker(YOUNG)]) await worker.repeat();
    expect(await version()).toEqual(before);
  });

  it('counts for how long jobs are kept, also where another holds', async () => {
    const older = await aWorker(OLD);
    await aWorker(YOUNG);
    await test.database.query(
      `update simple_queue.queue set policy = jsonb_set(policy, '{kept,0}', '1'::jsonb) where name = 'mail'`,
    );
    await older.repeat();
    const { kept, by } = (await policy()) as { kept: Record<string, number>; by: number };
    expect(Object.keys(kept).sort()).toEqual(['0', '60000']);
    expect(kept['0']).toBeGreaterThan(by);
    expect(await maxStalls()).toBe(2);
  });

  it('overrules what a release said that gave no age, and what an operator noted before any', async () => {
    await test.database.query(
      `update simple_queue.queue set policy = '{"archive": 1, "deadLetter": 1, "maxStalls": 9, "onDeadJob": "skip"}'`,
    );
    const worker = await aWorker(OLD);
    expect(await maxStalls()).toBe(1);
    await test.database.query(`update simple_queue.queue set policy = '{"kept": {"-1": 1}}'`);
    await worker.repeat();
    expect(await policy()).toMatchObject({ maxStalls: 1, kept: { 0: expect.any(Number) } });
  });

  it('is left for the next time where another transaction has the queue, and a word that came meanwhile is kept', async () => {
    const older = await aWorker(OLD);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select from simple_queue.queue where name = 'mail' for update`);
    await aWorker(YOUNG);
    expect(await maxStalls()).toBe(1);
    await rival.commit();
    await rival.close();
    const younger = await aWorker(YOUNG);
    await older.repeat();
    await younger.repeat();
    expect(await maxStalls()).toBe(2);
  });
});
