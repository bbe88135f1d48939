import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTerminal } from '../../lib/job/job-state.js';
import { commands } from '../support/state-machine/commands.js';
import { MAX_STALLS, Model } from '../support/state-machine/model.js';
import { Real } from '../support/state-machine/real.js';
import { aStorage, type TestStorage } from '../support/storage.js';

/** A failed run prints its seed, path and replayPath: give them as SQ_SEED, SQ_PATH and SQ_REPLAY to see it again. SQ_RUNS=2000 looks longer. */
const { SQ_SEED, SQ_PATH, SQ_REPLAY, SQ_RUNS = '100' } = process.env;
const PARAMETERS = { numRuns: Number(SQ_RUNS), ...(SQ_SEED && { seed: Number(SQ_SEED), path: SQ_PATH }) };

describe('the state machine', () => {
  let test: TestStorage;
  let real: Real;

  beforeAll(async () => {
    test = await aStorage();
    real = new Real(test);
  });
  afterAll(() => test.close());

  /** Every process dies, and one comes that finishes everything: whatever happened before, nothing is lost and nothing is left. */
  async function drain(model: Model): Promise<void> {
    await real.query('delete from simple_queue.lease');
    model.liveLeases.clear();
    await real.reap(MAX_STALLS);
    model.reap();
    await real.compare(model);
    await real.query(`with past as (update simple_queue.job set run_at = now() - interval '1 second' where id in (select id from simple_queue.scheduled) returning id, run_at)
      update simple_queue.scheduled s set run_at = past.run_at from past where s.id = past.id`);
    await real.storage.jobs.promote('-infinity', [real.lane.id]);
    const live = await real.query<{ id: string; epoch: number }>('select id, epoch from simple_queue.job');
    const places = `select id from simple_queue.ready union all select id from simple_queue.suspect`;
    expect((await real.query<{ id: string }>(places)).length).toBe(live.length);
    expect(await real.query('select from simple_queue.claim')).toEqual([]);
    expect(live.map(({ id }) => id).sort()).toEqual(model.all.filter((job) => !isTerminal(job.state)).map(({ id }) => id).sort()); // prettier-ignore
  }

  it('holds, whatever several workers do, fail to do, and do too late', async () => {
    const anything = fc.commands(commands(), { maxCommands: 40, size: 'max', replayPath: SQ_REPLAY });
    const property = fc.asyncProperty(anything, async (happens) => {
      const model = new Model();
      await real.reset(model);
      await fc.asyncModelRun(() => ({ model, real }), happens);
      await drain(model);
    });
    await fc.assert(property, PARAMETERS);
  }, 60_000);
});
