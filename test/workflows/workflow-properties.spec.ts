import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc, { parameters } from '../support/properties.js';
import { workflow, type AnyWorkflow } from '../../lib/workflows/builder.js';
import { patient } from '../support/patience.mjs';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';
import { anyFlow, FlowModel, type Declared, type Place } from './flow-model.js';

const PARAMETERS = parameters(12);
const DEEDS = ['succeed', 'succeed', 'together', 'fail', 'fail', 'delete', 'cancel', 'give up', 'expire', 'late', 'late', 'retry'] as const; // prettier-ignore
const happenings = fc.array(fc.tuple(fc.constantFrom(...DEEDS), fc.nat(20)), { maxLength: 25, size: 'max' }); // prettier-ignore
const ALL_LATE = 3;
const HOUR = 3_600_000;
const NO_ROW = ['ready', 'scheduled', 'job'];
const TABLES = [...NO_ROW, 'blocked', 'archive', 'dead_letter', 'workflow', 'stage', 'edge', 'step', 'draft', 'undo', 'arrival', 'claim']; // prettier-ignore

describe('any workflow, whatever becomes of its jobs', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const draftOf = (declared: readonly Declared[]): AnyWorkflow =>
    declared.reduce<AnyWorkflow>((draft, { jobs, after, when, saga, held }, n) => {
      const group = held ? { group: `g${n}`, ordered: true } : {};
      const edges = after.length > 0 ? { after: after.map((before) => `s${before}`), when } : {};
      const undo = saga ? { compensate: ['work', 'undo'] } : {};
      const options = { ...group, ...edges, ...undo } as never;
      return draft.each(`s${n}`, 'work', Array.from({ length: jobs }, (_, item) => item), options); // prettier-ignore
    }, workflow('any'));
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  /** At their epochs, which a revival raises. */
  const settle = async (ids: string[]) => {
    const rows = await test.database.query<{ id: string; epoch: number }>('select id, epoch from simple_queue.job where id = any($1)', [ids]); // prettier-ignore
    expect(rows).toHaveLength(ids.length);
    return test.storage.workflows.settle('w', rows.map((row) => ({ ...row, runMs: 1, keepMs: undefined, output: '1' }))); // prettier-ignore
  };
  const idsOf = async (id: string, places: readonly Place[]) => {
    const { steps } = (await workflows.find(id))!;
    return places.map(({ stage, item, undoes }) => (undoes ? steps[stage]!.compensation! : steps[stage]!).ids[item]!); // prettier-ignore
  };

  async function happen(
    id: string,
    model: FlowModel,
    [deed, index]: [(typeof DEEDS)[number], number],
  ): Promise<void> {
    // All that runs succeeds although its workflow stops, which is tried again.
    if (deed === 'late') {
      await happen(id, model, [(['cancel', 'give up', 'expire'] as const)[index % 3]!, ALL_LATE]);
      await compare(id, model);
      return happen(id, model, ['retry', index]);
    }
    if (deed === 'cancel' || deed === 'give up' || deed === 'expire') {
      // Some run meanwhile, and succeed all the same.
      const late = model.claimable().filter((_, n) => n % 3 !== index % (ALL_LATE + 1));
      const ids = await idsOf(id, late);
      await begin(ids);
      if (deed === 'expire') await expire(id, model.stopFor('expired', late));
      else {
        const why = deed === 'cancel' ? 'cancelled' : 'abandoned';
        expect(await workflows.cancel(id, { compensate: deed === 'cancel' })).toBe(model.stopFor(why, late)); // prettier-ignore
      }
      if (late.length === 0) return advance();
      expect((await settle(ids)).lost).toEqual([]);
      model.end(late, true);
    } else if (deed === 'retry') {
      const attempt = model.retry();
      const answer = workflows.retry(id);
      if (attempt === undefined) await expect(answer).rejects.toMatchObject({ name: 'QueueError' });
      else expect(await answer).toBe(attempt);
    } else {
      const live = model.live();
      if (live.length === 0) return;
      const places = deed === 'together' ? live.filter((_, n) => n % 2 === index % 2) : [live[index % live.length]!]; // prettier-ignore
      if (places.length === 0) return;
      const ids = await idsOf(id, places);
      const isGood = deed === 'succeed' || deed === 'together';
      if (isGood) expect((await settle(ids)).lost).toEqual([]);
      else if (deed === 'fail')
        await test.storage.cancels.byId(test.storage.database.loops.run, ids, {}); // prettier-ignore
      else await lose(ids);
      model.end(places, isGood);
    }
    await advance();
  }

  /** A worker has them. */
  async function begin(ids: string[]): Promise<void> {
    const epochs = await test.database.query<{ id: string; epoch: number }>('select id, epoch from simple_queue.job where id = any($1)', [ids]); // prettier-ignore
    for (const table of ['ready', 'scheduled'])
      await test.database.query(`delete from simple_queue.${table} where id = any($1)`, [ids]);
    if (ids.length > 0) await test.rows.claim(epochs, await test.rows.lease());
  }

  async function expire(id: string, isDue: boolean): Promise<void> {
    if (!isDue) return;
    await test.database.query('update simple_queue.workflow set deadline_at = now() where id = $1', [id]); // prettier-ignore
    await advance();
  }

  async function lose(ids: string[]): Promise<void> {
    for (const table of NO_ROW)
      await test.database.query(`delete from simple_queue.${table} where id = any($1)`, [ids]);
    await test.storage.workflows.vanished.endSome();
  }

  /** Tables and model say the same, and live is exactly what is open. */
  async function compare(id: string, model: FlowModel): Promise<void> {
    const found = (await workflows.find(id))!;
    expect({ state: found.state, attempt: found.attempt, steps: found.steps.map(({ state, done, failed }) => [state, done, failed]) }).toEqual(model.shown()); // prettier-ignore
    const live = await test.database.query<{ id: string }>('select id from simple_queue.job order by id'); // prettier-ignore
    expect(live.map((row) => row.id)).toEqual((await idsOf(id, model.live())).toSorted());
    expect(await test.database.query('select kind from simple_queue.arrival')).toEqual([]);
    // What runs has something that can end.
    expect(await test.database.query(`select id from simple_queue.workflow where (state = 'running') <> (open > 0) or state = 'running' and deadline_at < now()`)).toEqual([]); // prettier-ignore
  }

  it(
    'stands where its rules say, ends once everything has ended, and undoes in reverse what had completed',
    async () => {
      const property = fc.asyncProperty(anyFlow, happenings, async (declared, happens) => {
        await test.database.query(
          TABLES.map((table) => `delete from simple_queue.${table}`).join(';'),
        );
        const { id } = await workflows.start(draftOf(declared), { deadlineMs: HOUR });
        const model = new FlowModel(declared);
        await advance();
        await compare(id, model);
        for (const each of happens) {
          await happen(id, model, each);
          await compare(id, model);
        }
        for (let n = 0; model.live().length > 0; n++) {
          expect(n).toBeLessThan(100);
          await happen(id, model, ['together', 0]);
          await compare(id, model);
        }
        expect(['running', 'compensating']).not.toContain((await workflows.find(id))!.state);
      });
      await fc.assert(property, PARAMETERS);
    },
    patient(Math.max(60_000, 6_000 * PARAMETERS.numRuns)),
  );
});
