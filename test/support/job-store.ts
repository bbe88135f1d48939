import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { FoundJob } from '../../lib/job/job.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import type { EnqueueRepository } from '../../lib/storage/enqueue/enqueue.repository.js';
import type { NewJob } from '../../lib/job/new-job.js';
import type { Lane } from '../../lib/job/lane.js';
import { aStorage, type TestStorage } from './storage.js';
import { checkPlaces } from './check-places.js';

export interface JobStore {
  readonly test: TestStorage;
  readonly ids: Uuid7;
  readonly enqueues: EnqueueRepository;
  /** Of queue `mail`. */
  readonly lane: Lane;
  /** On its way to the database, with the store's defaults. */
  aNewJob: (more?: Partial<NewJob>) => NewJob;
  find: (id: string) => Promise<FoundJob | undefined>;
  count: (table?: string) => Promise<number>;
}

/** A database for the file into which jobs are stored: emptied before each test, and after it every live job stands in one place. */
export function aJobStore(defaults: Partial<NewJob> = {}): JobStore {
  const ids = new Uuid7();
  let test: TestStorage;
  let lane: Lane;

  beforeAll(async () => {
    test = await aStorage();
    lane = await test.storage.lanes.of('mail', '');
  });
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  return {
    ids,
    get test() {
      return test;
    },
    get enqueues() {
      return test.storage.enqueues;
    },
    get lane() {
      return lane;
    },
    aNewJob: (more = {}) => ({
      id: ids.next(),
      lane,
      priority: 0,
      payload: '{}',
      givenId: false,
      ...defaults,
      ...more,
    }),
    find: (id) => test.storage.jobs.find(id),
    count: async (table = 'job') =>
      (
        await test.database.query<{ n: number }>(
          `select count(*)::int as n from simple_queue.${table}`,
        )
      )[0]!.n,
  };
}
