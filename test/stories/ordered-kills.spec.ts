import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PATIENT } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aStory, loseLeases } from '../support/story.js';
import { patient } from '../support/patience.mjs';

const CHILD = new URL('./child-worker.ts', import.meta.url);
const GROUPS = 60;
const EACH = 15;
const KILLS = 6;
const WORKERS = 3;

describe('ordered groups, workers killed at random (npm run crash-run -- --only order is the long form)', () => {
  const story = aStory();
  let [children, made]: [Child[], number] = [[], 0];
  const names = new Map<Child, string>();

  beforeAll(() =>
    story.database.query(
      'create table step (id int generated always as identity, job uuid not null, grp int not null, n int not null)',
    ),
  );
  afterEach(() => Promise.all(children.map((child) => child.kill())));

  /** None but those that are killed lose their leases: whoever did and ran on would note a start late. */
  const aWorker = (): Child => {
    const name = `child-${++made}`;
    const child = new Child(CHILD, {
      DATABASE_URL: `${story.database.url}?application_name=${name}`,
      CHILD_HANDLERS: 'steps',
      CHILD_OPTIONS: JSON.stringify(PATIENT),
    });
    names.set(child, name);
    return child;
  };
  const heirsOf = (killed: Child) =>
    story.database.query('select from pg_stat_activity where application_name = $1', [names.get(killed)]); // prettier-ignore
  const rows = async (sql: string): Promise<number> => (await story.database.query(sql)).length;

  async function killAtRandom(): Promise<void> {
    for (let kill = 1; kill <= KILLS; kill++) {
      const share = Math.floor((GROUPS * EACH * kill) / (KILLS + 1));
      await eventually(async () => (await rows('select distinct job from step')) >= share, {
        timeoutMs: 30_000,
      });
      const [killed] = children.splice(Math.floor(Math.random() * children.length), 1);
      await killed!.kill();
      // What it has sent may still note a start.
      await eventually(async () => expect(await heirsOf(killed!)).toEqual([]));
      await loseLeases(story.database, killed!.pid);
      children.push(aWorker());
    }
  }

  it(
    'no job starts before its predecessor has ended, and none is lost',
    async () => {
      const { queues } = await story.start({ options: { worker: false } });
      const items = Array.from({ length: GROUPS * EACH }, (_, index) => ({
        group: index % GROUPS,
        n: Math.floor(index / GROUPS),
      }));
      await queues.enqueueMany(
        'steps',
        items.map((payload) => ({ payload, group: `g${payload.group}`, ordered: true })),
      );
      children = Array.from({ length: WORKERS }, aWorker);

      await killAtRandom();
      await eventually(async () => (await rows('select from simple_queue.job')) === 0, {
        timeoutMs: 60_000,
      });

      const outOfOrder = `select from (
      select n, coalesce(max(n) over (partition by grp order by id rows between unbounded preceding and 1 preceding), -1) as before
      from step) s where n < before or n > before + 1`;
      expect(await rows(outOfOrder)).toBe(0);
      expect(await rows(`select from simple_queue.archive where state = 'succeeded'`)).toBe(
        GROUPS * EACH,
      );
    },
    patient(120_000),
  );
});
