import type { QueueEvents } from '../observability/events.js';
import type { Lane } from '../storage/lanes.js';
import type { JobRepository } from '../storage/job.repository.js';
import type { WorkerLanes } from './worker-lanes.js';

/** Says once of each lane that its jobs wait for a handler which this process does not have. They are never failed for it. */
export class UnhandledLanes {
  private readonly reported = new Set<number>();

  constructor(
    private readonly lanes: WorkerLanes,
    private readonly jobs: JobRepository,
    private readonly events: QueueEvents,
  ) {}

  async report(): Promise<void> {
    // Lanes that a long transaction of a SQL producer registered: their ids may be lower than ones that are known already.
    await this.lanes.refresh();
    for (const lane of this.lanes.unhandled()) {
      if (this.reported.has(lane.id) || !(await this.jobs.hasDue([lane.id]))) continue;
      this.reported.add(lane.id);
      this.events.emit('warning', () => ({ code: 'HANDLER_MISSING', message: messageOf(lane) }));
    }
  }
}

function messageOf({ queue, name }: Lane): string {
  const jobs = name === '' ? 'jobs' : `jobs named "${name}"`;
  return `Queue "${queue}" has ${jobs} waiting, and this process has no handler for them. They wait until a worker has one: add @QueueHandler('${queue}') to a provider, or name this worker's queues in worker: { queues }.`;
}
