import { checkListener } from '../pull/claim-request.js';
import type { JobQueueEvent, JobQueueEventType, JobQueueListener } from '../pull/job-queue.js';
import type { PlainJob } from './plain-job.js';

/** Who listens in this process. Called at once, in the order that they subscribed. */
export class PlainListeners {
  private readonly listeners = new Set<JobQueueListener>();

  add(listener: JobQueueListener): () => void {
    checkListener(listener);
    // The same function may subscribe twice.
    const own: JobQueueListener = (event) => listener(event);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  /** @param attempt Of the run that this is about, 1 for the first. */
  tellOf({ job }: PlainJob, type: JobQueueEventType, attempt: number): void {
    this.tell({ type, id: job.id, queue: job.queue, name: job.name, attempt });
  }

  tell(event: JobQueueEvent): void {
    for (const listener of this.listeners) tellSafely(listener, event);
  }
}

/** A listener's own trouble is nobody else's. */
function tellSafely(listener: JobQueueListener, event: JobQueueEvent): void {
  try {
    void Promise.resolve(listener(event)).catch(() => undefined);
  } catch {
    // As above.
  }
}
