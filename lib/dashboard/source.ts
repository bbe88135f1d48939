import { Explanations } from '../admin/explain.js';
import type { Reason } from '../admin/reasons.js';
import { perKeyName } from '../job/limit.js';
import { QueueAdmin } from '../admin/queue-admin.js';
import { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { QueueService } from '../queue.service.js';
import { QueueSchedules } from '../schedules/queue-schedules.js';
import { QueueWorkflows } from '../workflows/queue-workflows.js';
import type { Storage } from '../storage/storage.js';
import type { StepOfJob } from '../storage/workflows/workflow-reading.repository.js';

/** What the dashboard shows of one instance, and acts on. */
export interface Source {
  name: string;
  options: ResolvedOptions;
  admin: QueueAdmin;
  /** One act on a subject at a time, of all processes. */
  alone: Storage['audit']['alone'];
  /** Of `explain`, which also looks at all that waits for a person, the reasons alone. */
  why: (id: string) => Promise<Reason[]>;
  /** The step of a workflow that a job is. */
  stepOf: (id: string) => Promise<StepOfJob | undefined>;
  /** Of a queue and a name, or of all. */
  lanes: Storage['lanes']['named'];
  /** Has it a limit per key? */
  isKeyed: (queue: string) => Promise<boolean>;
  /** How queues run. */
  rates: Storage['tallies']['rates'];
  queues: QueueService;
  /** Of all owners. */
  schedules: QueueSchedules;
  workflows: QueueWorkflows;
  close(): Promise<void>;
}

/** No statement of the page runs longer. */
const STATEMENT_MS = 2_000;

/** By connections of its own: whoever looks on must not take those of callers, nor hold one for long. They open with the first look. */
export function sourceOf(name: string, host: Storage, options: ResolvedOptions): Source {
  const own = { ...options, queryTimeoutMs: Math.min(options.queryTimeoutMs, STATEMENT_MS) };
  const storage = host.beside(own);
  const events = new QueueEventBus();
  const explanations = new Explanations(storage, own);
  return {
    name,
    options,
    admin: new QueueAdmin(storage, own),
    alone: (subject, work) => storage.audit.alone(subject, work),
    why: async (id) => (await explanations.why(id)).reasons,
    stepOf: (id) => storage.workflows.reading.stepOf(id),
    lanes: (wanted) => storage.lanes.named(wanted),
    isKeyed: async (queue) => (await storage.limits.list([perKeyName(queue)])).length > 0,
    rates: (most, after) => storage.tallies.rates(most, after),
    queues: new QueueService(storage, own, events),
    workflows: new QueueWorkflows(storage, own, events),
    schedules: new QueueSchedules(storage, own, { events }),
    close: () => storage.database.close(),
  };
}
