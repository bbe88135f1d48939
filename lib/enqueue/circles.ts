import type { NewJob } from '../job/new-job.js';
import { QueueError } from '../job/queue.errors.js';
import { circlesOf } from '../runtime/circles.js';

type Waiting = Pick<NewJob, 'id' | 'dependsOn' | 'group' | 'ordered'>;

/**
 * Jobs of one call that would wait for each other for ever: by `dependsOn`, and by their turns in ordered groups.
 * @throws QueueError `INVALID_OPTION`
 */
export function refuseCircles(jobs: readonly Waiting[]): void {
  if (!jobs.some(({ dependsOn }) => dependsOn)) return;
  const circle = circlesOf(awaitedOf(jobs)).next();
  if (!circle) return;
  const items = circle.sort((a, b) => a - b).join(', ');
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
