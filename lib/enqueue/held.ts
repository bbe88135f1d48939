import type { JobOptions } from '../job/enqueue-options.js';
import type { KeyOf } from '../job/limit.js';
import type { Held } from '../job/new-job.js';
import { checkFlag, checkText, checkWhole, invalid } from './option-checks.js';
import { msOf } from '../job/values/duration.js';

const DEFAULT_COMMIT_MS = 5 * 60_000;
const MAX_COMMIT_MS = 30 * 24 * 60 * 60_000;

/** The group of all jobs of an ordered queue; no caller's group is empty. */
const WHOLE_QUEUE = '';
/** What has no group in a fair queue takes turns with the groups as one of them. */
const NO_GROUP = '';

const WHY_GROUP =
  'the jobs of one group run one after another. For a whole queue set queues: { name: { ordered: true } }';

/** What holds for a queue as a whole. */
export interface QueueShape {
  ordered?: boolean;
  fair?: boolean;
  /** Where the key of a job is. */
  by?: KeyOf | undefined;
  /** The key, where it is known already. */
  limitKey?: string | undefined;
}

/** Group, order and two-phase enqueue, as far as a call speaks of them. */
export function checkedHold(options: JobOptions, queue: QueueShape): Held {
  if (saysNothing(options) && !queue.ordered && !queue.fair) return NOTHING;
  if ((options.onConflict ?? 'ignore') !== 'ignore')
    throw invalid(
      `onConflict: '${options.onConflict}' cannot be given with a group or staged: what waits there keeps its place`,
    );
  return {
    ...checkedGroup(options, queue),
    ...checkedCommit(options),
    ...(queue.fair ? { fair: true } : {}),
  };
}

/** Most jobs: nothing is made for them. */
const NOTHING: Held = Object.freeze({});
const saysNothing = ({ group, ordered, staged, commitWithinMs }: JobOptions): boolean =>
  group === undefined &&
  ordered === undefined &&
  staged === undefined &&
  commitWithinMs === undefined;

function checkedGroup(options: JobOptions, queue: QueueShape): Pick<Held, 'group' | 'ordered'> {
  const { group, ordered } = options;
  checkFlag('ordered', ordered);
  if (ordered || queue.ordered) checkOrder(options, queue);
  if (queue.ordered) return { group: WHOLE_QUEUE, ordered: true };
  if (group !== undefined) return { group: checkText('group', group), ordered: ordered === true };
  return queue.fair ? { group: NO_GROUP, ordered: false } : {};
}

function checkOrder({ group, ordered, priority = 0 }: JobOptions, queue: QueueShape): void {
  if (queue.ordered) checkOrderedQueue(group, ordered);
  else if (group === undefined) throw invalid(`ordered needs a group: ${WHY_GROUP}`);
  if (queue.fair)
    throw invalid(
      'ordered cannot be given in a fair queue: ordered groups need none, use another queue',
    );
  if (priority !== 0)
    throw invalid(
      'priority and ordered cannot be given together: the order of the commits decides',
    );
}

function checkOrderedQueue(group: string | undefined, ordered: boolean | undefined): void {
  if (group !== undefined)
    throw invalid('group cannot be given if the whole queue is ordered: it is one group');
  if (ordered === false)
    throw invalid('ordered: false cannot be given if the whole queue is ordered');
}

function checkedCommit(options: JobOptions): { commitWithinMs?: number } {
  const { staged, commitWithinMs = DEFAULT_COMMIT_MS } = options;
  checkFlag('staged', staged);
  if (!staged && options.commitWithinMs !== undefined)
    throw invalid('commitWithinMs belongs to a staged job: give staged: true');
  if (!staged) return {};
  return {
    commitWithinMs: checkWhole('commitWithinMs', msOf(commitWithinMs), 1_000, MAX_COMMIT_MS),
  };
}
