import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TERMINAL_STATES, type TerminalState } from '../../../lib/job/job-state.js';
import { Uuid7 } from '../../../lib/runtime/uuid7.js';
import type { NewJob } from '../../../lib/job/new-job.js';
import type { RevivalRepository } from '../../../lib/storage/operate/revival.repository.js';
import type { JobRowOptions } from '../../support/rows.js';
import { eventually } from '../../support/eventually.js';
import {
  aStorage,
  Rival,
  runIn,
  type TestStorage,
  waitingBackends,
} from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

const DAY_MS = 86_400_000;
const EVERYWHERE = {
  priority: -32_768,
  runAt: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
  upto: 32_767,
};
const ids = new Uuid7();

describe('reviving', () => {
  let test: TestStorage;
  let revivals: RevivalRepository;

  beforeAll(async () => {
    test = await aStorage();
    revivals = test.storage.revivals;
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  /** A job that a worker has ended so. */
  async function anEnded(state: TerminalState = 'failed', options: JobRowOptions = {}) {
    const job = await test.rows.job({ state: 'running', ...options });
    const verdict = {
      state,
      spent: 1,
      runMs: 5,
      deadLetterKeepMs: DAY_MS,
      archiveKeepMs: DAY_MS,
    } as const;
    const error = { name: 'Error', message: 'no' };
    const entry = { attempt: 1, outcome: state, error };
    await test.storage.settlements.bury('w', [{ ...job, verdict: { ...verdict, error, entry } }]);
    await test.database.query('delete from simple_queue.claim where id = $1', [job.claim]);
    return job;
  }

  const revive = (...wanted: string[]) => revivals.revive(wanted, TERMINAL_STATES);
  const anyLane = async () => ({
    lane: (await test.rows.lane()).id,
    wanted: 1,
    ranges: [EVERYWHERE],
  });
  const stateOf = async (id: string) => (await test.storage.jobs.find(id))?.state;
  const aNewJob = async (more: Partial<NewJob>): Promise<NewJob> => {
    const lane = await test.rows.lane();
    return { id: ids.next(), lane, priority: 0, payload: '{}', givenId: false, ...more };
  };

  it.each(['failed', 'critical', 'unprocessable', 'cancelled'] as const)(
    'makes a %s job ready again: same id, attempts from 0, history kept',
    async (state) => {
      const job = await anEnded(state, {
        attempt: 2,
        priority: 4,
        uniqueKey: 'key',
        fingerprint: 'tag',
        payload: { a: 1 },
      });

      expect(await revive(job.id)).toEqual([
        { id: job.id, lane: job.lane, fair: null, keyed: false, uniqueKey: 'key', revived: true },
      ]);

      const found = await test.storage.jobs.find(job.id);
      expect(found).toMatchObject({
        state: 'ready',
        attempt: 0,
        stalls: 0,
        reschedules: 0,
        priority: 4,
        payload: { a: 1 },
      });
      expect(found).toMatchObject({
        uniqueKey: 'key',
        fingerprint: 'tag',
        lastError: { message: 'no' },
      });
      expect(found!.history.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
        [1, state],
        [3, 'revived'],
      ]);
      expect(
        await test.database.query(
          'select from simple_queue.dead_letter union all select from simple_queue.archive',
        ),
      ).toEqual([]);
    },
  );

  it('keeps at most twenty lines of history', async () => {
    const job = await anEnded();
    await test.database.query(
      `update simple_queue.dead_letter set history = (select jsonb_agg(jsonb_build_object('attempt', n)) from generate_series(1, 20) n)`,
    );
    await revive(job.id);
    const { history } = (await test.storage.jobs.find(job.id))!;
    expect([history.length, history[0]!.attempt, history[19]!.outcome]).toEqual([20, 2, 'revived']);
  });

  it('fences the runs of its first life: their late answers match nothing', async () => {
    const job = await anEnded('failed', { epoch: 3 });
    await revive(job.id);
    const change = { delayMs: 0, spent: 1, rescheduled: 0, ran: true } as const;
    for (const epoch of [0, 1, 2, 3, 4]) {
      expect(await test.storage.settlements.putBack([{ id: job.id, epoch, change }])).toEqual([]);
      const success = { id: job.id, epoch, runMs: 1, keepMs: DAY_MS, output: undefined };
      expect(
        await test.storage.settlements.complete(test.storage.database.callers.run, 'w', success),
      ).toBe(false);
    }
    const [row] = await test.database.query<{ epoch: number }>(
      'select epoch from simple_queue.job',
    );
    expect(row!.epoch).toBeGreaterThan(999_999);
  });

  it('fences the runs of each life against those of all others, also when it is revived again at once', async () => {
    const { id } = await anEnded();
    const epochs: number[] = [];
    for (let life = 0; life < 5; life++) {
      await revive(id);
      const wish = {
        claimId: randomUUID(),
        lease: randomUUID(),
        lanes: [await anyLane()],
        limit: 1,
      };
      epochs.push((await test.storage.claims.settleAndClaim('w', [], [], wish)).jobs[0]!.epoch);
      const verdict = { state: 'failed', spent: 1, runMs: 1, deadLetterKeepMs: DAY_MS } as const;
      await test.storage.settlements.bury('w', [{ id, epoch: epochs.at(-1)!, verdict }]);
    }
    expect(new Set(epochs).size).toBe(5);
  });

  it('runs a job alone at first that had killed its process, and no other that was poisoned', async () => {
    const killer = await anEnded('poisoned', { stalls: 3 });
    const unreadable = await anEnded('poisoned', { stalls: 0 });
    await revive(killer.id, unreadable.id);
    const rows = await test.database.query(
      'select id, suspicion from simple_queue.job order by suspicion',
    );
    expect(rows).toEqual([
      { id: unreadable.id, suspicion: 0 },
      { id: killer.id, suspicion: 3 },
    ]);
  });

  it('leaves what has not ended, and what ended in another state than was asked for', async () => {
    const [waiting, running, failed] = [
      await test.rows.job(),
      await test.rows.job({ state: 'running' }),
      await anEnded(),
    ];
    expect(
      await revivals.revive(
        [waiting.id, running.id, failed.id, randomUUID()],
        ['critical', 'succeeded'],
      ),
    ).toEqual([]);
    expect([
      await stateOf(waiting.id),
      await stateOf(running.id),
      await stateOf(failed.id),
    ]).toEqual(['ready', 'running', 'failed']);
  });

  it('leaves a job whose unique key a live one holds where it is, and revives the others of the batch', async () => {
    const [first, second, other] = [
      await anEnded('failed', { uniqueKey: 'key' }),
      await anEnded('cancelled', { uniqueKey: 'key' }),
      await anEnded('failed', { uniqueKey: 'key', queue: 'pdf' }),
    ];
    await test.rows.job({ uniqueKey: 'key', queue: 'web' });

    const rows = await revive(first.id, second.id, other.id);

    expect(rows.filter((row) => row.revived && row.id !== other.id)).toHaveLength(1);
    expect(rows.find((row) => row.id === other.id)).toMatchObject({ revived: true });
    expect([await stateOf(first.id), await stateOf(second.id)].toSorted()).toEqual(
      rows.find((row) => row.id === first.id)!.revived
        ? ['cancelled', 'ready']
        : ['failed', 'ready'],
    );
  });

  it('is done by one of two that race: the other finds nothing to do', async () => {
    const jobs = await Promise.all(Array.from({ length: 20 }, () => anEnded()));
    const all = jobs.map((job) => job.id);
    const answers = (await Promise.all(Array.from({ length: 5 }, () => revive(...all)))).flat();
    expect(answers.map((row) => row.id).toSorted()).toEqual(all.toSorted());
    expect(answers.every((row) => row.revived)).toBe(true);
  });

  it.each(['commits', 'rolls back'] as const)(
    'waits for an enqueue that holds its unique key, which %s',
    async (end) => {
      const job = await anEnded('failed', { uniqueKey: 'key' });
      const runner = test.dataSource.createQueryRunner();
      await runner.startTransaction();
      const fresh = await aNewJob({ uniqueKey: 'key' });
      await test.storage.enqueues.insertIn(runIn(test.storage, runner), [fresh]);

      const revived = revive(job.id);
      await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
      if (end === 'commits') await runner.commitTransaction();
      else await runner.rollbackTransaction();

      expect(await revived).toMatchObject([{ id: job.id, revived: end === 'rolls back' }]);
      expect(await stateOf(job.id)).toBe(end === 'commits' ? 'failed' : 'ready');
      await runner.release();
    },
  );

  it("is met by an enqueue with the same id of the caller's: one job, whoever came first", async () => {
    const job = await anEnded();
    const again = await aNewJob({ id: job.id, givenId: true });
    const [enqueued, rows] = await Promise.all([
      test.storage.enqueues.insert([again]),
      revive(job.id),
    ]);
    expect(enqueued).toEqual([{ id: job.id, created: false, outcome: 'existing' }]);
    if (rows[0]?.revived === false) await revive(job.id);
    expect(await stateOf(job.id)).toBe('ready');
  });

  it('promotes what is scheduled, suspects to where suspects wait, and nothing else', async () => {
    const later = await test.rows.job({ state: 'scheduled', attempt: 1, epoch: 2 });
    const suspect = await test.rows.job({ state: 'scheduled', suspicion: 1 });
    const others = [
      await test.rows.job(),
      await test.rows.job({ state: 'running' }),
      await anEnded(),
    ];

    const rows = await revivals.promoteNow([later, suspect, ...others].map((job) => job.id));

    expect(rows.map((row) => row.id).toSorted()).toEqual([later.id, suspect.id].toSorted());
    expect(await test.storage.jobs.find(later.id)).toMatchObject({ state: 'ready', attempt: 1 });
    expect(await test.database.query('select id from simple_queue.suspect')).toEqual([
      { id: suspect.id },
    ]);
  });

  it('promotes a job once, whoever else does so meanwhile', async () => {
    const jobs = await test.rows.jobs(20, { state: 'scheduled', due: '-1 second' });
    const all = jobs.map((job) => job.id);
    const [promotion, ...byHand] = await Promise.all([
      test.storage.claims.promote('-infinity', []),
      revivals.promoteNow(all),
      revivals.promoteNow(all),
    ]);
    expect(promotion.promoted + byHand.flat().length).toBe(20);
    expect(await test.database.query('select count(*)::int as n from simple_queue.ready')).toEqual([
      { n: 20 },
    ]);
  });
});

describe('purging', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  it('deletes what waits, wherever it waits, and neither touches nor asks what runs, whatever its workers keep', async () => {
    const running = await test.rows.job({ state: 'running' });
    const waiting = await Promise.all(
      (['ready', 'scheduled', 'suspect'] as const).map((state) => test.rows.job({ state })),
    );
    const policy = JSON.stringify({ archive: DAY_MS });
    await test.database.query('update simple_queue.queue set policy = $1::jsonb', [policy]);

    expect(
      await test.storage.revivals.purgeWaiting([running, ...waiting].map((job) => job.id)),
    ).toBe(3);

    for (const { id } of waiting) expect(await test.storage.jobs.find(id)).toBeUndefined();
    const left = await test.storage.jobs.find(running.id);
    expect([left?.state, left?.cancelRequestedAt]).toEqual(['running', undefined]);
  });

  it('deletes what ended, as long as it still stands in one of the states', async () => {
    const job = await test.rows.job();
    await test.storage.cancels.byId(test.storage.database.callers.run, [job.id], { '': DAY_MS });
    expect(await test.storage.revivals.purgeEnded([job.id], ['failed'])).toBe(0);
    expect(await test.storage.revivals.purgeEnded([job.id, randomUUID()], ['cancelled'])).toBe(1);
    expect(await test.storage.jobs.find(job.id)).toBeUndefined();
  });

  it('leaves a job that a claim takes first', async () => {
    const job = await test.rows.job();
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query('delete from simple_queue.ready where id = $1', [job.id]);
    await rival.query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs) values (gen_random_uuid(), 0, gen_random_uuid(), array[$1::uuid], '{0}')`,
      [job.id],
    );
    const purged = test.storage.revivals.purgeWaiting([job.id]);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();

    expect(await purged).toBe(0);
    expect(await test.storage.jobs.find(job.id)).toMatchObject({ state: 'running' });
    await rival.close();
  });
});
