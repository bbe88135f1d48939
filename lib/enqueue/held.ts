import type { JobOptions } from '../job/enqueue-options.js';
import type { KeyOf } from '../job/limit.js';
import type { Held } from '../job/new-job.js';
import { checkFlag, checkText, checkWhole, invalid } from './option-checks.js';
import { isId, quote } from '../job/names.js';
import { msOf } from '../job/values/duration.js';

const DEFAULT_COMMIT_MS = 5 * 60_000;
const MAX_COMMIT_MS = 30 * 24 * 60 * 60_000;
const MAX_DEPENDENCIES = 100;

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
      `onConflict: '${options.onConflict}' cannot be given with a group, staged or dependsOn: what waits there keeps its place`,
    );
  return {
    ...checkedGroup(options, queue),
    ...checkedCommit(options),
    ...(queue.fair ? { fair: true } : {}),
  };
}

/** Most jobs: nothing is made for them. */
const NOTHING: Held = Object.freeze({});
const saysNothing = (options: JobOptions): boolean =>
  options.group === undefined &&
  options.ordered === undefined &&
  options.staged === undefined &&
  options.dependsOn === undefined &&
  options.commitWithinMs === undefined;

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

/** What depends on other jobs is a staged job that they commit. */
function checkedCommit(options: JobOptions): Pick<Held, 'commitWithinMs' | 'dependsOn'> {
  const { staged, dependsOn } = options;
  const { commitWithinMs = staged ? DEFAULT_COMMIT_MS : MAX_COMMIT_MS } = options;
  checkFlag('staged', staged);
  if (staged && dependsOn !== undefined)
    throw invalid(
      'staged and dependsOn cannot be given together: the jobs that it depends on commit it',
    );
  if (!staged && dependsOn === undefined) {
    if (options.commitWithinMs === undefined) return {};
    throw invalid('commitWithinMs belongs to a staged job: give staged: true, or dependsOn');
  }
  const held = {
    commitWithinMs: checkWhole('commitWithinMs', msOf(commitWithinMs), 1_000, MAX_COMMIT_MS),
  };
  return dependsOn === undefined ? held : { ...held, dependsOn: checkedIds(dependsOn, options.id) };
}

function checkedDependency(id: unknown): string {
  if (isId(id)) return id.toLowerCase();
  throw invalid(`dependsOn: ${quote(id)} is not a UUID`);
}

function checkedIds(ids: readonly string[], own: string | undefined): string[] {
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MAX_DEPENDENCIES)
    throw invalid(
      `dependsOn must be an array of 1 to ${MAX_DEPENDENCIES} ids of jobs; a workflow joins more`,
    );
  const checked = Array.from(ids as unknown[], checkedDependency);
  if (own !== undefined && checked.includes(own.toLowerCase()))
    throw invalid(`dependsOn: job ${own} cannot depend on itself`);
  return [...new Set(checked)];
}
