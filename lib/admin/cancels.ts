import type { CancelCounts } from '../job/enqueue-options.js';
import { LIVE_STATES } from '../job/job-state.js';
import type { Retention } from '../options/queue-policy.js';
import { wakeUpOfCancel } from '../storage/wake-ups/wake-up.js';
import { checkCancel, checkFilter, type CancelOptions, type JobFilter } from './job-filter.js';
import { blockedFirst, type OnMany } from './on-many.js';
import type { ListedJob } from './listed-job.js';

const BATCH = 500;

/** Ends live jobs, in bounded batches. What runs is asked to stop. */
export class Cancels {
  constructor(
    private readonly parts: OnMany,
    private readonly archive: Retention,
  ) {}

  async cancel(filter: JobFilter, options: CancelOptions): Promise<CancelCounts> {
    checkCancel(filter, options);
    const work = () => this.cancelChecked(filter, options);
    return this.parts.acts.onMany('cancel', filter, options, work);
  }

  private async cancelChecked(filter: JobFilter, options: CancelOptions): Promise<CancelCounts> {
    const { states = LIVE_STATES, ...rest } = checkFilter('cancel', filter);
    const counts: CancelCounts = { cancelled: 0, requested: 0 };
    for (const some of blockedFirst(states))
      for await (const jobs of this.parts.list.batches({ ...rest, states: some }, () => BATCH)) {
        if (options.signal?.aborted) return counts;
        const { cancelled, requested } = options.dryRun
          ? foretold(jobs)
          : await this.cancelJobs(jobs);
        counts.cancelled += cancelled;
        counts.requested += requested;
        await options.onBatch?.({ ...counts });
      }
    return counts;
  }

  private async cancelJobs(jobs: ListedJob[]): Promise<CancelCounts> {
    const { cancels, database, signals } = this.parts.storage;
    const ids = jobs.map(({ id }) => id);
    const counts = await cancels.byId(database.waiters.run, ids, this.archive);
    const news = wakeUpOfCancel(counts);
    if (news) signals.send(news);
    return counts;
  }
}

const isAsked = ({ state, cancelRequestedAt }: ListedJob): boolean =>
  state === 'running' && cancelRequestedAt !== undefined;

/** A running job is asked once. */
function foretold(jobs: ListedJob[]): CancelCounts {
  const running = jobs.filter(({ state }) => state === 'running').length;
  return {
    cancelled: jobs.length - running,
    requested: running - jobs.filter((job) => isAsked(job)).length,
  };
}
