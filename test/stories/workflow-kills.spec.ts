import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { patient, scaled } from '../support/patience.mjs';
import { aStory } from '../support/story.js';

const CHILD = new URL('./child-worker.ts', import.meta.url);
const FLOWS = 15;
const PARTS = 8;
const KILLS = 3;
/** Of each: what completes in a transaction, before and behind a step that the worker settles; two of them are added by a third. */
const LEDGERS = FLOWS * (PARTS + 2 + 2);
const EFFECTS = LEDGERS + FLOWS;
const OPTIONS = { leaseMs: scaled(1_500), heartbeatIntervalMs: 300, reaperIntervalMs: 200 };

describe('workflows whose workers are killed at random', () => {
  const story = aStory();
  let children: Child[] = [];

  beforeAll(() =>
    story.database.query('create table ledger (job uuid, pid int); create table start (job uuid)'),
  );
  afterEach(() => Promise.all(children.map((child) => child.kill())));

  const aWorker = (): Child =>
    new Child(CHILD, {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: 'ledger,clock,grow',
      CHILD_OPTIONS: JSON.stringify({ ...OPTIONS, queueConcurrency: 10 }),
    });
  const count = async (sql: string): Promise<number> => (await story.database.query(sql)).length;

  /** Each when the work has moved on by its share. */
  async function killAtRandom(): Promise<void> {
    for (let kill = 1; kill <= KILLS; kill++) {
      const share = Math.floor((EFFECTS * kill) / (KILLS + 1));
      await eventually(async () => (await count('select from ledger')) >= share, {
        timeoutMs: 30_000,
      });
      await children.splice(Math.floor(Math.random() * children.length), 1)[0]!.kill();
      children.push(aWorker());
    }
  }

  it(
    'all end, and each of their steps, those that are added too, has one effect, behind those that it waits for, and one outcome',
    async () => {
      const { app } = await story.start({
        options: { worker: false, queues: { ledger: { outcomes: 'told' } } },
      });
      const workflows = app.get(QueueWorkflows, { strict: false });
      const flow = workflow('kills')
        .step('first', 'ledger', 0)
        .step('seen', 'clock', 'x', { after: 'first' })
        .each(
          'part',
          'ledger',
          Array.from({ length: PARTS }, (_, n) => n),
          { after: 'seen' },
        )
        .each('look', 'clock', ['a', 'b'], { after: 'part' })
        .step('grow', 'grow', 0, { after: 'seen' })
        .step('last', 'ledger', 9, { after: ['look', 'grow'] })
        .step('never', 'ledger', 10, { after: ['part', 'last'], when: 'failed' });
      for (let n = 0; n < FLOWS; n++) await workflows.start(flow);
      children = Array.from({ length: 3 }, aWorker);

      await killAtRandom();
      await eventually(
        async () => expect(await workflows.list({ state: 'succeeded' })).toHaveLength(FLOWS),
        { timeoutMs: 60_000 },
      );

      expect(await count('select from ledger')).toBe(EFFECTS);
      expect(await count('select distinct job from ledger')).toBe(EFFECTS);
      const told = `select payload ->> 'id' from simple_queue.job where payload ->> 'state' = 'succeeded'`;
      expect(await count(told)).toBe(LEDGERS);
      expect(await count(told.replace('select', 'select distinct'))).toBe(LEDGERS);
      expect(await count('select from simple_queue.arrival')).toBe(0);
      expect(await count('select from simple_queue.dead_letter')).toBe(0);
      const early = `select from simple_queue.step s join simple_queue.edge e on e.workflow = s.workflow and e.downstream = s.stage
        join simple_queue.step u on u.workflow = s.workflow and u.stage = e.upstream where s.state = 'succeeded' and u.ended_at > s.ended_at`;
      expect(await count(early)).toBe(0);
    },
    patient(120_000),
  );
});
