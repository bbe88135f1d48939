import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LeaseRepository } from '../../../lib/storage/leases/lease.repository.js';
import { QueuePolicies } from '../../../lib/options/queue-policy.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../../lib/options/simple-queue.options.js';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

describe('leases', () => {
  let test: TestStorage;
  let leases: LeaseRepository;

  beforeAll(async () => {
    test = await aStorage();
    leases = test.storage.leases;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const secondsLeft = async (id: string) =>
    (
      await test.database.query<{ left: number }>(
        `select extract(epoch from expires_at - now())::float8 as left from simple_queue.lease where id = $1`,
        [id],
      )
    )[0]?.left;

  it("are taken and renewed by the database's clock", async () => {
    const id = randomUUID();
    await leases.take(id, 'worker-7', 60_000);
    expect(await secondsLeft(id)).toBeGreaterThan(30);
    expect(await leases.renew(id, 600_000, { claims: [], olderThanMs: 10_000 })).toEqual({
      alive: true,
      cancelled: [],
      unknown: [],
    });
    expect(await secondsLeft(id)).toBeGreaterThan(300);
  });

  it('say of the ends in their queues what their process says, at once and later, and wait for nobody', async () => {
    const [own, other] = [await test.rows.lane('own'), await test.rows.lane('other')];
    const policies = (settings: SimpleQueueOptions) =>
      new QueuePolicies(resolveOptions(settings).options).ends();
    const said = () =>
      test.database.query(
        `select name, policy - '{kept,by}'::text[] as policy from simple_queue.queue where name in ('own', 'other') order by name`,
      );
    const id = randomUUID();
    const first = policies({ archive: false, queues: { own: { onDeadJob: 'halt' } } });
    await leases.take(id, 'w', 60_000, { lanes: [own.id], policies: first });
    const halting = { archive: null, deadLetter: 2_592_000_000, onDeadJob: 'halt', maxStalls: 3 };
    const named = { name: 'own', policy: halting };
    expect(await said()).toEqual([{ name: 'other', policy: null }, named]);
    await leases.serve(id, [own.id, other.id], first);
    const rest = { ...halting, onDeadJob: 'block' };
    expect(await said()).toEqual([{ name: 'other', policy: rest }, named]);

    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select from simple_queue.queue where name = 'own' for update`);
    const second = policies({ maxStalls: 1, archive: false });
    await leases.serve(id, [own.id, other.id], second);
    await rival.commit();
    await rival.close();
    expect(await said()).toEqual([{ name: 'other', policy: { ...rest, maxStalls: 1 } }, named]);
    await leases.serve(id, [own.id, other.id], second);
    expect(await said()).toMatchObject([{}, { policy: { onDeadJob: 'block', maxStalls: 1 } }]);
    // Nobody's word.
    await leases.take(randomUUID(), 'w', 60_000, { lanes: [own.id] });
    expect(await said()).toMatchObject([{}, { policy: { maxStalls: 1 } }]);
  });

  it('say for how long any process has kept the jobs of their queues, and when last', async () => {
    const { queueId: queue, id: lane } = await test.rows.lane('kept');
    const declare = (archive: SimpleQueueOptions['archive']) =>
      leases.declare([lane], new QueuePolicies(resolveOptions({ archive }).options).ends());
    const ages = async () => {
      const [row] = await test.database.query<{ kept: Record<string, number> }>(
        `select (select jsonb_object_agg(key, round((extract(epoch from now())::numeric - value::numeric) / 60))
         from jsonb_each(policy -> 'kept')) as kept from simple_queue.queue where id = $1`,
        [queue],
      );
      return row!.kept;
    };
    const age = (ms: number, seconds: number) =>
      test.database.query(
        `update simple_queue.queue set policy = jsonb_set(policy, array['kept', $2], to_jsonb((policy -> 'kept' ->> $2)::float8 - $3::float8)) where id = $1`,
        [queue, `${ms}`, seconds],
      );
    await declare(false);
    await declare({ keepMs: 60_000 });
    expect(await ages()).toEqual({ 0: 0, 60000: 0 });
    await age(60_000, 600);
    await declare({ keepMs: 60_000 });
    expect(await ages()).toEqual({ 0: 0, 60000: 10 });
    await age(60_000, 1_800);
    await declare({ keepMs: 60_000 });
    expect(await ages()).toEqual({ 0: 0, 60000: 0 });
    await age(0, 31 * 86_400);
    await declare({ keepMs: 120_000 });
    expect(await ages()).toEqual({ 60000: 0, 120000: 0 });
  });

  it('are never brought back to life: renewing one that is gone says so and writes nothing', async () => {
    const id = randomUUID();
    expect(await leases.renew(id, 60_000, { claims: [], olderThanMs: 10_000 })).toMatchObject({
      alive: false,
    });
    expect(await secondsLeft(id)).toBeUndefined();
  });

  it('can be renewed late, as long as nobody has expired them', async () => {
    const id = await test.rows.lease('-1 minute');
    expect(await leases.renew(id, 60_000, { claims: [], olderThanMs: 10_000 })).toMatchObject({
      alive: true,
    });
    expect(await leases.expire()).toEqual([]);
  });

  it('end with their worker, and no other does', async () => {
    const [mine, other] = [await test.rows.lease(), await test.rows.lease()];
    await leases.end(mine);
    expect(await secondsLeft(mine)).toBeUndefined();
    expect(await secondsLeft(other)).toBeGreaterThan(0);
  });

  it('expire when nobody renewed them, and only then', async () => {
    await test.rows.lease('1 minute', 'alive');
    await test.rows.lease('-1 second', 'dead');
    expect(await leases.expire()).toMatchObject([{ worker: 'dead', jobs: null }]);
    expect(await leases.expire()).toEqual([]);
  });

  it('do not expire while they are being renewed', async () => {
    const rival = await Rival.connect(test.database);
    const id = await test.rows.lease('-1 second');
    await rival.begin();
    await rival.query(
      `update simple_queue.lease set expires_at = now() + interval '1 minute' where id = $1`,
      [id],
    );
    expect(await leases.expire()).toEqual([]);
    await rival.commit();
    await rival.close();
    expect(await leases.expire()).toEqual([]);
    expect(await secondsLeft(id)).toBeGreaterThan(0);
  });

  it('expire once, however many processes reap', async () => {
    for (let n = 0; n < 150; n++) await test.rows.lease('-1 second');
    const expired = await Promise.all(Array.from({ length: 4 }, () => leases.expire()));
    const rest = await leases.expire();
    expect(expired.flat().length + rest.length).toBe(150);
  });

  describe('renewed', () => {
    it("tell which of their jobs were asked to stop, and nobody else's", async () => {
      const mine = await test.rows.job({ state: 'running', cancelRequested: true });
      await test.rows.job({ state: 'running', lease: mine.lease });
      await test.rows.job({ state: 'running', cancelRequested: true });
      await test.rows.job({ state: 'ready', cancelRequested: true });

      expect(
        await leases.renew(mine.lease, 60_000, { claims: [mine.claim], olderThanMs: 10_000 }),
      ).toMatchObject({
        cancelled: [mine.id],
      });
    });

    it('tell which of their claims the process does not know, once their answers can no longer arrive', async () => {
      const lease = await test.rows.lease();
      const jobs = await test.rows.jobs(3);
      await test.database.query('delete from simple_queue.ready');
      const known = await test.rows.claim([jobs[0]!], lease, '1 hour');
      const young = await test.rows.claim([jobs[1]!], lease, '5 minutes');
      const lost = await test.rows.claim([jobs[2]!], lease, '11 minutes');

      expect(
        await leases.renew(lease, 60_000, { claims: [known], olderThanMs: 600_000 }),
      ).toMatchObject({ unknown: [lost] });
      expect(
        new Set(
          (await leases.renew(lease, 60_000, { claims: [known], olderThanMs: 1_000 })).unknown,
        ),
      ).toEqual(new Set([young, lost]));
    });
  });

  describe('releasing claims whose answers were lost', () => {
    const rowOf = async (id: string) =>
      (await test.database.query('select * from simple_queue.job where id = $1', [id]))[0];

    it('gives their jobs back, unspent and unsuspected, and frees the claims', async () => {
      const job = await test.rows.job({ state: 'running', epoch: 2, attempt: 1 });
      const suspect = await test.rows.job({ state: 'running', lease: job.lease, suspicion: 2 });

      expect(await leases.releaseClaims(job.lease, [job.claim, suspect.claim])).toBe(2);

      expect(await rowOf(job.id)).toMatchObject({ epoch: 3, attempt: 1, suspicion: 0, stalls: 0 });
      expect(await rowOf(suspect.id)).toMatchObject({ epoch: 1, suspicion: 2, stalls: 0 });
      expect(await test.database.query('select from simple_queue.claim')).toEqual([]);
      expect(await test.database.query('select id from simple_queue.suspect')).toEqual([
        { id: suspect.id },
      ]);
    });

    it('leaves claims of other leases', async () => {
      const job = await test.rows.job({ state: 'running' });
      expect(await leases.releaseClaims(randomUUID(), [job.claim])).toBe(0);
      expect(await test.storage.jobs.find(job.id)).toMatchObject({ state: 'running' });
    });

    it('leaves jobs that have left the claim', async () => {
      const lease = await test.rows.lease();
      const retried = await test.rows.job({ epoch: 1 });
      const claim = await test.rows.claim([{ id: retried.id, epoch: 0 }], lease);
      expect(await leases.releaseClaims(lease, [claim])).toBe(0);
      expect(await rowOf(retried.id)).toMatchObject({ epoch: 1 });
    });

    it('works once for each claim when asked twice at the same time', async () => {
      const job = await test.rows.job({ state: 'running' });
      const released = await Promise.all(
        Array.from({ length: 5 }, () => leases.releaseClaims(job.lease, [job.claim])),
      );
      expect(released.toSorted()).toEqual([0, 0, 0, 0, 1]);
      expect(await rowOf(job.id)).toMatchObject({ epoch: 1 });
    });
  });
});
