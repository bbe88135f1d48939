import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc, { parameters } from '../support/properties.js';
import { isTerminal, type JobState } from '../../lib/job/job-state.js';
import { commands, GROUPS } from '../support/state-machine/commands.js';
import { findAllByCursor } from '../support/state-machine/cursor-commands.js';
import { handAll } from '../support/state-machine/key-commands.js';
import { MAX_STALLS, Model, type ModelJob } from '../support/state-machine/model.js';
import { KEEP, QUEUE, Real } from '../support/state-machine/real.js';
import { patient } from '../support/patience.mjs';
import { aStorage, type TestStorage } from '../support/storage.js';

const PARAMETERS = parameters(8);

/** Of a job that a drain found like this. */
function ending({ id, state, cancelRequested }: ModelJob): { id: string; state: JobState } {
  if (isTerminal(state)) return { id, state };
  if (state === 'staged') return { id, state: 'expired' };
  return { id, state: cancelRequested ? 'cancelled' : 'succeeded' };
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

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
    await closeAll(model);
    await findAllByCursor(model, real);
    for (let round = 0; Object.keys(await real.left()).length > 0; round++) {
      // As many as a group is long, and two for the suspects.
      expect(round).toBeLessThan(model.jobs.size + 3);
      await real.letTimePass(model.all.map(({ id }) => id));
      await real.storage.claims.promote('-infinity', real.laneIds);
      await real.storage.groups.handOn();
      await handAll(real);
      await real.finishReady(model);
    }
    const states = await real.query<{ id: string; state: JobState }>(
      'select id, state from simple_queue.jobs order by id',
    );
    expect(states).toEqual(model.all.map(ending).sort(byId));
  }

  /** What no process decides on is decided: transactions are undone, dead jobs released, staged jobs too late. */
  async function closeAll(model: Model): Promise<void> {
    for (const runner of real.transactions.splice(0)) await real.end(runner, false);
    model.transactions = [];
    await real.query('delete from simple_queue.lease');
    model.liveLeases.clear();
    await real.reap(MAX_STALLS, 'block');
    model.reap('block');
    await real.compare(model);
    for (const group of GROUPS)
      expect(await real.storage.groups.release(QUEUE, group)).toBe(model.groups.release(group)?.id);
    await real.letTimePass(model.all.map(({ id }) => id));
    const staged = model.all.filter(({ state }) => state === 'staged').length;
    expect((await real.storage.staged.expire(KEEP.deadLetter)).expired).toBe(staged);
  }

  it.each([
    ['holds, whatever several workers do, fail to do, and do too late', commands.plain],
    [
      'holds beside workers outside and operators, and keeps fair groups in their lane',
      commands.pulled,
    ],
    [
      'keeps every group in the order of its commits, whoever holds a transaction open, and lets all of it end',
      commands.ordered,
    ],
  ])(
    '%s',
    async (_rule, list) => {
      const anything = fc.commands(list(), {
        maxCommands: 40,
        size: 'max',
        replayPath: process.env.SQ_REPLAY,
      });
      const property = fc.asyncProperty(anything, async (happens) => {
        const model = new Model();
        await real.reset(model);
        await fc.asyncModelRun(() => ({ model, real }), happens);
        await drain(model);
      });
      await fc.assert(property, PARAMETERS);
    },
    // One that goes on beyond its time would disturb the next: they share the database.
    patient(Math.max(60_000, 6_000 * PARAMETERS.numRuns)),
  );
});
