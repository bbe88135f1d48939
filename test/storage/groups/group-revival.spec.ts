import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import { Enqueuer } from '../../../lib/enqueue/enqueuer.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { ClaimRepository } from '../../../lib/storage/claim/claim.repository.js';
import type { SettleRepository } from '../../../lib/storage/settle/settle.repository.js';
import type { FindRepository } from '../../../lib/storage/reading/find.repository.js';
import { aStorage, type TestStorage } from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const FAILED = {
  state: 'failed',
  spent: 1,
  runMs: 1,
  deadLetterKeepMs: DAY_MS,
  archiveKeepMs: DAY_MS,
} as const;
const EVERYWHERE = {
  priority: -32_768,
  runAt: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
  upto: 32_767,
};

describe('an operator and ordered groups', () => {
  let test: TestStorage;
  let claims: ClaimRepository;
  let jobs: FindRepository;
  let settlements: SettleRepository;
  let enqueuer: Enqueuer;
  let admin: QueueAdmin;

  beforeAll(async () => {
    test = await aStorage();
    ({ claims, jobs, settlements } = test.storage);
    enqueuer = new Enqueuer(test.storage, resolveOptions({}).options, test.events);
    admin = new QueueAdmin(test.storage, test.options);
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const enqueue = async (group = 'a') =>
    (await enqueuer.enqueue('mail', { payload: null, group, ordered: true }, {})).id;
  const claim = async () => {
    const lanes = [{ lane: (await test.rows.lane('mail')).id, wanted: 10, ranges: [EVERYWHERE] }];
    return (
      await claims.settleAndClaim('w', [], [], {
        claimId: randomUUID(),
        lease: randomUUID(),
        lanes,
        limit: 10,
      })
    ).jobs[0]!;
  };
  const bury = async (
    onDeadJob: 'block' | 'skip' | 'halt',
    state: 'failed' | 'poisoned' = 'failed',
  ) => {
    const { id, epoch } = await claim();
    await settlements.bury('w', [{ id, epoch, verdict: { ...FAILED, state, onDeadJob } }]);
  };
  const handOn = () => test.storage.groups.handOn();
  const statesOf = (...ids: string[]) =>
    Promise.all(ids.map(async (id) => (await jobs.find(id))?.state));

  it('explain says what blocks, and releaseGroup lets the group go on', async () => {
    const [dead, next] = [await enqueue(), await enqueue()];
    expect((await admin.explain(next)).text).toContain(`job ${dead} has the turn`);
    await bury('block');
    expect(await admin.explain(next)).toMatchObject({
      state: 'blocked',
      reasons: [{ code: 'BLOCKED' }, {}],
    });
    expect((await admin.explain(next)).text).toContain(
      `Group "a" of queue "mail" is blocked by job ${dead}`,
    );
    for (const group of [NaN, null, 'a\0'] as never[])
      await expect(admin.releaseGroup('mail', group)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    expect(await admin.releaseGroup('mail', 'a')).toBe(dead);
    await handOn();
    expect(await statesOf(dead, next)).toEqual(['failed', 'ready']);
  });

  it('a retried dead job has its turn again, and the followers wait on', async () => {
    const [dead, next] = [await enqueue(), await enqueue()];
    await bury('block');
    await admin.retry(dead);
    expect(await statesOf(dead, next)).toEqual(['ready', 'blocked']);
    expect(await test.storage.groups.describe('mail', 'a')).toEqual({ holder: dead, waiting: 1 });
    const { id, epoch } = await claim();
    await test.storage.groups.settle('w', [
      { id, epoch, runMs: 1, keepMs: DAY_MS, output: undefined },
    ]);
    expect(await statesOf(dead, next)).toEqual(['succeeded', 'ready']);
  });

  it('a retried job that was skipped stands last', async () => {
    const [dead, next] = [await enqueue(), await enqueue()];
    await bury('skip');
    await handOn();
    await admin.retry(dead);
    expect(await statesOf(dead, next)).toEqual(['blocked', 'ready']);
    expect(await jobs.find(dead)).toMatchObject({ group: 'a' });
  });

  it('a retried job begins no group while a dead job halts the queue', async () => {
    const ended = await enqueue('ended');
    await bury('skip');
    await handOn();
    const halting = await enqueue('halting');
    await bury('halt');
    await admin.retry(ended);
    await handOn();
    expect(await statesOf(halting, ended)).toEqual(['failed', 'blocked']);
    await admin.retry(halting);
    await handOn();
    expect(await statesOf(halting, ended)).toEqual(['ready', 'ready']);
  });

  it('a retried job of a group that has ended begins it anew', async () => {
    const dead = await enqueue();
    await bury('skip');
    await handOn();
    await admin.retry(dead);
    expect(await statesOf(dead, await enqueue())).toEqual(['ready', 'blocked']);
  });

  it('a dead job that is purged lets the followers go on', async () => {
    const [dead, next] = [await enqueue(), await enqueue()];
    await bury('block');
    expect(await admin.purge({ queue: 'mail', state: 'failed' })).toMatchObject({ purged: 1 });
    await handOn();
    expect(await statesOf(dead, next)).toEqual([undefined, 'ready']);
  });

  it.each(['settle', 'hand on'] as const)(
    'a retried job that killed its process runs alone also where it waited for its turn: %s',
    async (way) => {
      const [killer, holder] = [await enqueue(), await enqueue()];
      await test.database.query('update simple_queue.job set stalls = 3 where id = $1', [killer]);
      await bury('skip', 'poisoned');
      await handOn();
      await admin.retry(killer);
      expect(await statesOf(holder, killer)).toEqual(['ready', 'blocked']);
      const { id, epoch } = await claim();
      if (way === 'settle')
        await test.storage.groups.settle('w', [
          { id, epoch, runMs: 1, keepMs: DAY_MS, output: undefined },
        ]);
      else await settlements.bury('w', [{ id, epoch, verdict: { ...FAILED, onDeadJob: 'skip' } }]);
      await handOn();
      expect(await test.database.query('select id, suspicion from simple_queue.suspect')).toEqual([
        { id: killer, suspicion: 3 },
      ]);
      expect(await claim()).toBeUndefined();
    },
  );
});
