import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { statement } from '../../lib/storage/connection/statement.js';
import { RETRY_WORKFLOW } from '../../lib/storage/workflows/retry.sql.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { endedJobs } from '../support/ended-jobs.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aSite } from '../support/site.js';
import { aStorage, type TestStorage } from '../support/storage.js';

const STEPS = 1_000;
/** However long the chain: one statement skips hundreds of steps. */
const STATEMENTS_A_HUNDRED = 5;
const FEW = 60;

/** No loop turns here. What follows from one end runs down a chain in few statements, and ends all of it. */
describe('a chain of 1,000', () => {
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
      while ((await advancer.round()) < Infinity);
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

  it.each([
    ['one after another', 1, (n: number) => n],
    // Each look sees one page of them end.
    ['the last one first', STEPS / 100, (n: number) => STEPS - 1 - n],
  ])('of jobs that depend on each other, stored %s, ends with its first', async (_, looks, at) => {
    const [failed] = await endedJobs(test, 1, { state: 'failed' });
    const ids = Array.from({ length: STEPS }, () => randomUUID());
    const jobs = ids.map((id, n) => ({ id, payload: n, dependsOn: [ids[n - 1] ?? failed!] }));
    await new QueueService(test.storage, test.options, test.events).enqueueMany('work', jobs.map((_, n) => jobs[at(n)]!)); // prettier-ignore
    const sent = await statements(async () => undefined);
    const states = await query(`select state, last_error ->> 'message' as why from simple_queue.jobs where id = any($1)`, [ids]); // prettier-ignore
    expect(states).toHaveLength(STEPS);
    expect(states.filter(({ state }) => state !== 'expired')).toEqual([]);
    expect(states.filter(({ why }) => why === `Job ${ids[STEPS - 2]}, which this one depends on, has not succeeded: it is expired.`)).toHaveLength(1); // prettier-ignore
    expect(sent).toBeLessThan(looks * (FEW + (STATEMENTS_A_HUNDRED * STEPS) / 100));
  });

  it('is cancelled', async () => {
    const id = await started('finish');
    const sent = await statements(() => workflows.cancel(id));
    expect(await stateOf(id)).toEqual({ state: 'cancelled', open: 0 });
    expect(sent).toBeLessThan(FEW);
  });

  it('is tried again as a whole, and no stage is compared with all others', async () => {
    const id = await started('finish');
    await fails(id);
    await statements(async () => undefined);
    await query('delete from simple_queue.ready');
    await query('delete from simple_queue.job');
    const text = RETRY_WORKFLOW.text.replaceAll('$1', '0').replaceAll('$2', `'${id}'`);
    const plan = await test.storage.database.callers.run(statement('', `explain ${text}`), []);
    expect(JSON.stringify(plan)).not.toContain('Join Filter');

    expect(await workflows.retry(id)).toBe(2);
    expect(await states(id)).toEqual([{ state: null, n: STEPS }]);
    const waits = await query('select waits, sum(open)::int as open from simple_queue.stage where workflow = $1 group by 1 order by 1', [id]); // prettier-ignore
    expect(waits).toEqual([{ waits: 0, open: 1 }, { waits: 1, open: STEPS - 1 }]); // prettier-ignore
  });
});
