import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { JobState } from '../../lib/job/job-state.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { CHECK_PLACES } from '../../lib/storage/diagnosis/check-places.sql.js';
import { anApplication, type TestApplication, type TestApplicationOptions } from './application.js';
import type { TestDatabase } from './database.js';
import { openAllGates } from './gate.js';
import { hasFailed } from './has-failed.js';
import { Rows } from './rows.js';
import { aDatabase } from './template.js';
import { eventually } from './eventually.js';

export interface Story {
  readonly database: TestDatabase;
  /** An application of this test, closed at its end. */
  start(given?: TestApplicationOptions): Promise<TestApplication>;
  /** The end of a test that leaves jobs: its gates open, its applications are closed, places are checked, and no row is left. */
  clear(): Promise<void>;
}

/**
 * A database for the file and applications for each test, with these options beneath their own. Each story ends with every live job in
 * exactly one place; one that failed, at this too, leaves no job, no limit and no closed gate to the next.
 */
export function aStory(options: SimpleQueueOptions = {}): Story {
  let database: TestDatabase;
  const applications: TestApplication[] = [];

  beforeAll(async () => {
    database = await aDatabase();
  });

  const end = async (isCleared: boolean) => {
    const closing = Promise.all(applications.splice(0).map((application) => application.close()));
    if (isCleared) openAllGates();
    await closing;
    const misplaced = await database.query(CHECK_PLACES.text);
    if (isCleared || misplaced.length > 0) await new Rows(database).clear();
    if (!hasFailed()) expect(misplaced).toEqual([]);
  };

  afterEach(() => end(hasFailed()));

  afterAll(() => database.drop());

  return {
    get database() {
      return database;
    },
    async start(given) {
      const all = { ...options, ...given?.options };
      const application = await anApplication(database, { ...given, options: all });
      applications.push(application);
      return application;
    },
    clear: () => end(true),
  };
}

/** Waits until the job has come to this state, and answers it. */
export async function untilJobIs(state: JobState, { queues }: TestApplication, id: string) {
  return eventually(async () => {
    const job = await queues.find(id);
    if (job?.state !== state)
      throw new Error(
        `Job ${id} is ${job?.state ?? 'unknown'}, not ${state}: ${JSON.stringify(job)}`,
      );
    return job;
  });
}

/**
 * As a reaper does with the leases of silent processes, all or this one's. (An expired lease that nobody has taken yet may still be
 * renewed.)
 */
export async function loseLeases(database: TestDatabase, pid?: number): Promise<void> {
  await database.query(
    `delete from simple_queue.lease where $1::int is null or worker like '%:' || $1::int`,
    [pid],
  );
}
