import type { QueueEventBus } from '../observability/events.js';
import type { Lanes } from '../storage/lanes/lanes.js';
import type { Lane } from '../job/lane.js';
import type { WorkerLanes } from './worker-lanes.js';

/** Enough to be reported: whoever has more of them knows by now. */
const MAX_REPORTED = 1_000;

/** Says once of each lane that its jobs wait for a handler which this process does not have. They are never failed for it. */
export class UnhandledLanes {
  private readonly reported = new Set<number>();
  private after = 0;

  constructor(
    private readonly served: WorkerLanes,
    private readonly lanes: Lanes,
    private readonly events: QueueEventBus,
  ) {}

  /** One statement per round, along the lanes in which jobs wait: those without any cost nothing. */
  async report(): Promise<void> {
    // Also what a look at the newest ones does not show, and what could not be registered at the start.
    await this.served.register();
    const { lanes, next } = await this.lanes.withJobs(this.after);
    this.after = next;
    for (const lane of lanes) {
      if (
        !this.served.lacks(lane) ||
        this.reported.has(lane.id) ||
        this.reported.size >= MAX_REPORTED
      )
        continue;
      this.reported.add(lane.id);
      this.events.emit('warning', () => ({ code: 'HANDLER_MISSING', message: messageOf(lane) }));
    }
  }
}

/** A class of the queue may be there already, and lack the method. */
const adviceOf = (queue: string, name: string): string =>
  name === ''
    ? `@QueueHandler('${queue}') with a method process() to a provider`
    : `@HandleJob('${name}') to a method of the provider with @QueueHandler('${queue}')`;

function messageOf({ queue, name }: Lane): string {
  const jobs = name === '' ? 'jobs' : `jobs named "${name}"`;
  return `Queue "${queue}" has ${jobs} waiting, and this process has no handler for them. They wait until a worker has one: add ${adviceOf(queue, name)}, or name this worker's queues in worker: { queues }.`;
}
