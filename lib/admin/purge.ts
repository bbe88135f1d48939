import { isTerminal, LIVE_STATES, TERMINAL_STATES, type JobState } from '../job/job-state.js';
import {
  checkFilter,
  checkPurge,
  type JobFilter,
  type PurgeCounts,
  type PurgeOptions,
} from './job-filter.js';
import { blockedFirst, type OnMany } from './on-many.js';
import type { ListedJob } from './listed-job.js';

const BATCH = 500;
const PURGEABLE: readonly JobState[] = [...LIVE_STATES, ...TERMINAL_STATES].filter(
  (state) => state !== 'running',
);

/** Deletes jobs for good, in bounded batches. What runs is left alone. */
export class Purge {
  constructor(private readonly parts: OnMany) {}

  async purge(filter: JobFilter, options: PurgeOptions): Promise<PurgeCounts> {
    checkPurge(filter, options);
    const work = () => this.purgeChecked(filter, options);
    return this.parts.acts.onMany('purge', filter, options, work);
  }

  private async purgeChecked(filter: JobFilter, options: PurgeOptions): Promise<PurgeCounts> {
    const { states = PURGEABLE, ...rest } = checkFilter('purge', filter);
    const counts: PurgeCounts = { purged: 0, left: 0 };
    for (const some of blockedFirst(states))
      for await (const jobs of this.parts.list.batches({ ...rest, states: some }, () => BATCH)) {
        if (options.signal?.aborted) return counts;
        const purged = options.dryRun ? jobs.length : await this.purgeJobs(jobs);
        counts.purged += purged;
        counts.left += jobs.length - purged;
        await options.onBatch?.({ ...counts });
      }
    return counts;
  }

  private async purgeJobs(jobs: ListedJob[]): Promise<number> {
    const { revivals } = this.parts.storage;
    const ended = jobs.filter((job) => isTerminal(job.state));
    const waiting = jobs.filter((job) => !isTerminal(job.state)).map((job) => job.id);
    const states = [...new Set(ended.map((job) => job.state))].filter(isTerminal);
    const ids = ended.map((job) => job.id);
    await revivals.notePurged(new Set(jobs.map((job) => job.queue)));
    let purged = ids.length > 0 ? await revivals.purgeEnded(ids, states) : 0;
    if (waiting.length > 0) purged += await revivals.purgeWaiting(waiting);
    // A turn of an ordered group may have become vacant.
    if (purged > 0) this.parts.storage.signals.send({ lanes: [], later: true });
    return purged;
  }
}
