import type { CancelCounts } from '../../job/enqueue-options.js';
import type { Retention } from '../../options/queue-policy.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { CANCEL } from './cancel.sql.js';
import {
  FIND_BY_FINGERPRINT,
  FIND_BY_GROUP,
  FIND_BY_UNIQUE_KEY,
  FIND_BY_WORKFLOW,
} from './find-to-cancel.sql.js';

const CANCEL_BATCH = 1_000;

/** Ends what waits, and asks what runs to stop. */
export class CancelRepository {
  async byId(run: Run, ids: string[], keep: Retention): Promise<CancelCounts> {
    const values = [SHARD, ids, JSON.stringify(keep), true];
    const [counts] = await run<CancelCounts>(CANCEL, values);
    if (counts!.requested === 0) return counts!;
    // What ran a moment ago and was put back meanwhile, perhaps for hours, waits by now: the second look ends it.
    const [late] = await run<CancelCounts>(CANCEL, values);
    const requested = Math.max(0, counts!.requested - late!.cancelled);
    return { cancelled: counts!.cancelled + late!.cancelled, requested };
  }

  async byUniqueKey(
    run: Run,
    key: { uniqueKey: string; queue: string },
    keep: Retention,
  ): Promise<CancelCounts> {
    const rows = await run<{ id: string }>(FIND_BY_UNIQUE_KEY, [SHARD, key.uniqueKey, key.queue]);
    return this.byId(run, rows.map(idOf), keep);
  }

  byFingerprint(
    run: Run,
    tag: { fingerprint: string; queue?: string },
    keep: Retention,
  ): Promise<CancelCounts> {
    return this.inBatches(
      run,
      () => run<{ id: string }>(FIND_BY_FINGERPRINT, [SHARD, tag.fingerprint, tag.queue ?? null]),
      keep,
    );
  }

  byWorkflow(
    run: Run,
    { workflowId, queue, but = [], stopping }: WorkflowTag,
    keep: Retention,
  ): Promise<CancelCounts> {
    const values = [SHARD, workflowId, queue ?? null, but, stopping ?? null];
    return this.inBatches(run, () => run<{ id: string }>(FIND_BY_WORKFLOW, values), keep);
  }

  byGroup(run: Run, tag: { group: string; queue: string }, keep: Retention): Promise<CancelCounts> {
    return this.inBatches(
      run,
      () => run<{ id: string }>(FIND_BY_GROUP, [SHARD, tag.group, tag.queue]),
      keep,
    );
  }

  /** In batches: one statement over 100,000 jobs would hold their locks for most of a second. */
  private async inBatches(
    run: Run,
    find: () => Promise<{ id: string }[]>,
    keep: Retention,
  ): Promise<CancelCounts> {
    const total: CancelCounts = { cancelled: 0, requested: 0 };
    for (;;) {
      const rows = await find();
      if (rows.length === 0) return total;
      const counts = await this.byId(run, rows.map(idOf), keep);
      total.cancelled += counts.cancelled;
      total.requested += counts.requested;
      // Nothing moved: what is left is being ended by others right now.
      if (rows.length < CANCEL_BATCH || counts.cancelled + counts.requested === 0) return total;
    }
  }
}

interface WorkflowTag {
  workflowId: string;
  queue?: string;
  /** These stay. */
  but?: string[];
  /** The workflow that stops: nothing of its next attempt is meant. */
  stopping?: string | undefined;
}

const idOf = (key: { id: string }): string => key.id;
