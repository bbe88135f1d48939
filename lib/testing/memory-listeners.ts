import { checkListener } from '../pull/claim-request.js';
import type { JobQueueEvent, JobQueueEventType, JobQueueListener } from '../pull/job-queue.js';
import type { MemoryJob } from './memory-job.js';

/** Who listens to a queue in memory. Called at once, in the order that they subscribed. */
export class MemoryListeners {
  private readonly listeners = new Set<JobQueueListener>();

  add(listener: JobQueueListener): () => void {
    checkListener(listener);
    // The same function may subscribe twice.
    const own: JobQueueListener = (event) => listener(event);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  tellOf({ job, attempt }: MemoryJob, type: JobQueueEventType): void {
    this.tell({ type, id: job.id, queue: job.queue, name: job.name, attempt: attempt + 1 });
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
