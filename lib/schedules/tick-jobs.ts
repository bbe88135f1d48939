import { checkedJob } from '../enqueue/new-job.js';
import type { NewJob } from '../job/new-job.js';
import { isHeld } from '../storage/enqueue/held-jobs.js';
import type { ScheduleRow } from '../storage/schedules/schedule.repository.js';
import type { Storage } from '../storage/storage.js';
import { runTimeOf } from './jitter.js';
import { itemOf, type StoredSpec } from './stored-spec.js';

interface TickJobParts {
  storage: Storage;
  maxPayloadBytes: number;
  newId: () => string;
}

/** Makes the jobs of schedules, by the rules of an enqueue. */
export class TickJobs {
  constructor(private readonly parts: TickJobParts) {}

  /** The job of the time `at`; of a trigger `jitter` is left out. @throws QueueError where an enqueue would be refused. */
  async of(
    row: Pick<ScheduleRow, 'name' | 'spec' | 'payload'>,
    at: number,
    { jitter = true } = {},
  ): Promise<NewJob> {
    const { queue, jitterMs, known, aheadMs = 0 } = row.spec as StoredSpec;
    const { maxPending, ...shape } = known;
    const { payload, ...options } = itemOf(row);
    const schedule = { name: row.name, at: new Date(at + aheadMs).toISOString() };
    const job = checkedJob(queue, payload, options, { ...this.parts, ...shape, schedule });
    const lane = await this.parts.storage.lanes.of(queue, job.name, job.labels);
    const runAt =
      jitter && jitterMs > 0
        ? { at: new Date(runTimeOf(row.name, at + aheadMs, jitterMs) - aheadMs) }
        : {};
    return { ...job, lane, ...runAt, ...(maxPending !== undefined && { maxPending }) };
  }
}

/** Nothing is in its way but its time: one statement ticks and stores it. */
export const isUnhindered = (job: NewJob): boolean =>
  job.uniqueKey === undefined && job.maxPending === undefined && !isHeld(job);
