import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';
import { patient, scaled } from '../support/patience.mjs';

const CHILD = new URL('./child-worker.ts', import.meta.url);
const JOBS = 2_000;
const WORKERS = 3;
const KILLS = 10;
const CONCURRENCY = 10;
const OPTIONS = {
  leaseMs: scaled(1_500),
  heartbeatIntervalMs: 300,
  reaperIntervalMs: 200,
  queueConcurrency: CONCURRENCY,
};

describe('workers killed at random (npm run crash-run is the long form)', () => {
  const story = aStory();
  let children: Child[] = [];

  beforeAll(() =>
    story.database.query('create table ledger (job uuid, pid int); create table start (job uuid)'),
  );

  afterEach(() => Promise.all(children.map((child) => child.kill())));

  const aWorker = (): Child => {
    const env = {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: 'ledger',
      CHILD_OPTIONS: JSON.stringify(OPTIONS),
    };
    return new Child(CHILD, env);
  };

  const rows = async (sql: string): Promise<number> => (await story.database.query(sql)).length;

  /** One after another, each when the work has moved on by its share; a new worker takes the place of each. */
  async function killAtRandom(): Promise<Child[]> {
    const dead: Child[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      const share = Math.floor((JOBS * kill) / (KILLS + 1));
      await eventually(async () => (await rows('select from ledger')) >= share, {
        timeoutMs: 30_000,
      });
      const victim = children.splice(Math.floor(Math.random() * children.length), 1)[0]!;
      await victim.kill();
      dead.push(victim);
      children.push(aWorker());
    }
    return dead;
  }

  it(
    'lose nothing, do nothing twice, start little again and blame no good job',
    async () => {
      const application = await story.start({ options: { worker: false } });
      await application.queues.enqueueMany(
        'ledger',
        Array.from({ length: JOBS }, (_, n) => ({ payload: { n } })),
      );
      children = Array.from({ length: WORKERS }, aWorker);

      const dead = await killAtRandom();
      await eventually(async () => (await rows('select from simple_queue.job')) === 0, {
        timeoutMs: 30_000,
      });

      const lost = `select from (select 1 from simple_queue.archive where state = 'succeeded') a`;
      expect(await rows(lost)).toBe(JOBS);
      expect(await rows('select from ledger')).toBe(JOBS);
      expect(await rows('select distinct job from ledger')).toBe(JOBS);
      const leasesLost = [...dead, ...children].flatMap((child) =>
        child.said.filter(({ event }) => event === 'leaseLost'),
      ).length;
      expect((await rows('select from start')) - JOBS).toBeLessThanOrEqual(
        KILLS * CONCURRENCY + leasesLost,
      );
      expect(await rows('select from simple_queue.dead_letter')).toBe(0);
    },
    patient(90_000),
  );
});
