import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PATIENT, type TestApplication } from '../support/application.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { aStory, loseLeases } from '../support/story.js';
import { patient } from '../support/patience.mjs';

const CHILD = new URL('./child-worker.ts', import.meta.url);
/** A crash alone is seen as one: a busy machine must not make a healthy child lose its lease. */
const OPTIONS = { ...PATIENT, reaperIntervalMs: 100, maxStalls: 2 };

describe('I8 poison is contained and the innocent go free', () => {
  const story = aStory();
  let child: Child | undefined;
  let deaths = 0;
  let stopped = false;

  /** A supervisor: a worker process that dies is started again. */
  async function superviseWorkers(queue: string): Promise<void> {
    const env = {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: queue,
      CHILD_OPTIONS: JSON.stringify(OPTIONS),
    };
    for (; !stopped;) {
      child = new Child(CHILD, env);
      const ended = await child.exited();
      if (ended === 13) deaths++;
      else if (!stopped) throw new Error(`A worker ended by itself: ${ended}`);
      await loseLeases(story.database);
    }
  }

  beforeEach(() => {
    deaths = 0;
    stopped = false;
  });

  afterEach(async () => {
    stopped = true;
    child?.signal('SIGTERM');
    await child?.exited();
  });

  const statesOf = async (application: TestApplication, ids: string[]) =>
    Promise.all(ids.map(async (id) => (await application.queues.find(id))?.state));

  it.each([
    ['poison', 'each job in a call of its own'],
    ['batch-poison', 'ten jobs in a call: the lone suspect comes as a batch of one'],
  ])(
    'a job that kills its process costs at most maxStalls + 2 of them, and no good job (%s: %s)',
    async (queue) => {
      const application = await story.start({ options: { worker: false } });
      const items = Array.from({ length: 40 }, (_, n) => ({ payload: { kills: n === 17 } }));
      const jobs = await application.queues.enqueueMany(queue, items);

      const supervised = superviseWorkers(queue);
      const ids = jobs.map(({ id }) => id);
      await eventually(async () => expect((await statesOf(application, ids)).every((state) => state === 'succeeded' || state === 'poisoned')).toBe(true), {
      timeoutMs: 60_000,
    }); // prettier-ignore
      stopped = true;
      child!.signal('SIGTERM');
      await supervised;

      const states = await statesOf(application, ids);
      expect(
        states
          .map((state, index) => (state === 'poisoned' ? index : -1))
          .filter((index) => index >= 0),
      ).toEqual([17]);
      expect(deaths).toBe(OPTIONS.maxStalls + 2);
      expect(await application.queues.find(ids[17]!)).toMatchObject({
        stalls: 2,
        attempt: 0,
        lastError: { code: 'JOB_POISONED' },
      });
    },
    patient(90_000),
  );
});
