import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const STEPS = 2_000;
/** However long the chain: one statement skips hundreds of steps. */
const STATEMENTS_A_HUNDRED = 5;
const FEW = 60;

/** No loop turns here. What follows from one end runs down a chain in few statements, and ends all of it. */
describe('a chain of 2,000', () => {
  let test: TestStorage;
  let workflows: QueueWorkflows;
  let advancer: Advancer;

  beforeAll(async () => {
    test = await aStorage({ queryTimeoutMs: 60_000 });
    workflows = new QueueWorkflows(test.storage, resolveOptions({}).options, test.events);
    advancer = new Advancer(aSite(test));
  });
  afterAll(() => test.close());

  const query = (sql: string, values: unknown[] = []) => test.database.query(sql, values);
  const started = async (onFailure: 'finish' | 'cancel') => {
    let flow = workflow('long').step('s0', 'work', 0);
    for (let n = 1; n < STEPS; n++)
      flow = flow.step(`s${n}` as never, 'work', n, { after: `s${n - 1}` as never });
    return (await workflows.start(flow, { onFailure })).id;
  };
  const fails = (id: string) =>
    query(
      `insert into simple_queue.arrival (shard, kind, job, state, error)
      select 0, 'end', id, 'failed', '{}' from simple_queue.step where workflow = $1 and stage = 0`,
      [id],
    );
  const statements = async (work: () => Promise<unknown>) => {
    const sent = recordStatements();
    try {
      await work();
      while ((await advancer.round()) === 0);
      return sent.names.length;
    } finally {
      sent.stop();
    }
  };
  const states = (id: string) =>
    query(
      `select state, count(*)::int as n from simple_queue.step where workflow = $1 group by 1 order by 1`,
      [id],
    );
  const stateOf = async (id: string) =>
    (await query('select state, open from simple_queue.workflow where id = $1', [id]))[0];

  it.each(['finish', 'cancel'] as const)(
    'is skipped behind a failure, with onFailure %s',
    async (how) => {
      const id = await started(how);
      const sent = await statements(() => fails(id));
      expect(await states(id)).toEqual([{ state: 'failed', n: 1 }, { state: 'skipped', n: STEPS - 1 }]); // prettier-ignore
      expect(await stateOf(id)).toEqual({ state: 'failed', open: 0 });
      expect(sent).toBeLessThan(FEW + (STATEMENTS_A_HUNDRED * STEPS) / 100);
    },
  );

  it('is cancelled', async () => {
    const id = await started('finish');
    const sent = await statements(() => workflows.cancel(id));
    expect(await stateOf(id)).toEqual({ state: 'cancelled', open: 0 });
    expect(sent).toBeLessThan(FEW);
  });
});
