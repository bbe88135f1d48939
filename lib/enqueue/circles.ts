import { QueueError } from '../job/queue.errors.js';
import type { NewJob } from '../job/new-job.js';

type Waiting = Pick<NewJob, 'id' | 'dependsOn' | 'group' | 'ordered'>;

/**
 * Jobs of one call that would wait for each other for ever: by `dependsOn`, and by their turns in ordered groups.
 * @throws QueueError `INVALID_OPTION`
 */
export function refuseCircles(jobs: readonly Waiting[]): void {
  if (!jobs.some(({ dependsOn }) => dependsOn)) return;
  const awaited = awaitedOf(jobs);
  const open = leftOver(awaited);
  if (open.size === 0) return;
  const items = circleIn(awaited, open).join(', ');
  const message = `enqueue: dependsOn: items ${items} wait for each other. In an ordered group a job waits for those before it as well.`;
  throw new QueueError('INVALID_OPTION', message);
}

/** The items that each one waits for. */
function awaitedOf(jobs: readonly Waiting[]): number[][] {
  const byId = new Map(jobs.map(({ id }, index) => [id, index]));
  const lastOf = new Map<string, number>();
  return jobs.map(({ dependsOn = [], group, ordered }, index) => {
    const awaited = dependsOn.flatMap((id) => byId.get(id) ?? []);
    if (!ordered) return awaited;
    const before = lastOf.get(group!);
    lastOf.set(group!, index);
    return before === undefined ? awaited : [...awaited, before];
  });
}

/** What never begins, however long the others are waited for. */
function leftOver(awaited: readonly number[][]): Set<number> {
  const counts = awaited.map(({ length }) => length);
  const followers: number[][] = awaited.map(() => []);
  awaited.forEach((items, index) => items.forEach((item) => followers[item]!.push(index)));
  const free = counts.flatMap((count, index) => (count === 0 ? [index] : []));
  const open = new Set(counts.keys());
  for (let item = free.pop(); item !== undefined; item = free.pop()) {
    open.delete(item);
    for (const follower of followers[item]!) if (--counts[follower]! === 0) free.push(follower);
  }
  return open;
}

/** Each of those waits for another of them: whoever follows comes round. */
function circleIn(awaited: readonly number[][], open: ReadonlySet<number>): number[] {
  const path: number[] = [];
  const seen = new Map<number, number>();
  let item = Math.min(...open);
  while (!seen.has(item)) {
    seen.set(item, path.length);
    path.push(item);
    item = awaited[item]!.find((next) => open.has(next))!;
  }
  return path.slice(seen.get(item)).sort((a, b) => a - b);
}
