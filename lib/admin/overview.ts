import type { TerminalState } from '../job/job-state.js';
import { checkQueueName, quote } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { closestWord } from '../runtime/closest-word.js';
import { passes, shape, whole, type Rule } from '../runtime/rules.js';
import type { BlockedGroups } from '../storage/diagnosis/health.repository.js';
import type { QueueRow, ServedLane, WorkerRow } from '../storage/reading/queue.repository.js';
import type { Storage } from '../storage/storage.js';
import { refuse } from './checks.js';

/** A number of jobs. `atLeast`: counting stopped there, at 10,000 or before it. */
export interface JobCount {
  jobs: number;
  atLeast: boolean;
}

/** One handler's part of a queue. */
export interface LaneSummary {
  /** Which handler of the queue; `''` where jobs name none. */
  name: string;
  /** What a worker must have for them. */
  labels: readonly string[];
  /** Jobs that are ready. */
  ready: JobCount;
  /** Live workers that serve it. 0: its jobs wait until one comes. */
  workers: number;
}

/** A queue at a glance. */
export interface QueueSummary {
  queue: string;
  paused: boolean;
  pausedAt?: Date;
  lanes: LaneSummary[];
  ready: JobCount;
  running: JobCount;
  scheduled: JobCount;
  /** Jobs of ordered groups that wait for their turn. */
  blocked: JobCount;
  /** Jobs that wait for their commit. */
  staged: JobCount;
  /** Of those that are ready: in flight when a process died, and to run as one of few or alone. */
  suspects: JobCount;
  /** Jobs in the dead letter queue. */
  deadLetters: JobCount;
  /** Ordered groups that a dead job blocks until somebody retries, purges or releases it; missing where none is. */
  blockedGroups?: { groups: number; since: Date };
  /** How long the job that is ready for the longest time waits, in milliseconds; undefined: none is ready. */
  oldestReadyMs?: number;
  /** When the next scheduled job is due, where it is among the 10,000 of all queues that are due first. */
  nextRunAt?: Date;
}

type PlaceCounts = Pick<
  QueueSummary,
  'ready' | 'running' | 'scheduled' | 'blocked' | 'staged' | 'suspects' | 'deadLetters'
>;

/** Everything at a glance, by place. Counts end at 10,000. */
export interface Totals extends PlaceCounts {
  queues: JobCount;
  /** Names of 100 at most. */
  paused: string[];
  /** How long the job that is ready for the longest time waits, in milliseconds, among the first 2,000 kinds and priorities that wait. */
  oldestReadyMs?: number;
  /** Its queue. */
  oldestQueue?: string;
}

/** Which queues. */
export interface QueuesPage {
  /** 1 to 1,000, which is the default. */
  limit?: number;
  /** The name of the last queue of the page before. */
  after?: string;
}

/** An ordered group that stands still behind a job that ended badly; see the option `onDeadJob`. */
export interface BlockedGroup {
  queue: string;
  /** `''`: the queue is ordered as a whole. */
  group: string;
  /** The job in the dead letter queue that blocks it. */
  job: string;
  since: Date;
  /** When the job is no longer kept. The group goes on then. */
  until: Date;
  /** It halts every group of its queue. */
  halts: boolean;
  /** Jobs of this group that wait, counted to 1,000. */
  waiting: JobCount;
}

/** One queue, and how its newest dead letters ended. */
export interface QueueStats extends QueueSummary {
  /** By state, at most 10,000 of each lane. */
  deadLettersByState: Partial<Record<TerminalState, number>>;
}

/** A process that holds a lease. */
export interface WorkerSummary {
  worker: string;
  lease: string;
  since: Date;
  expiresAt: Date;
  /** False: it was silent for too long, and its jobs are about to be given back. */
  live: boolean;
  /** Queues that it has handlers for: those of its first 50 kinds of jobs, of 5 where 1,000 workers are listed. */
  queues: string[];
  /** Jobs that it holds: they run, or will within moments. */
  jobs: number;
  /** Some of them, 20 at most. */
  holds: string[];
  /** It runs a suspect, and nothing beside it. */
  alone: boolean;
  /** How it is, as its last heartbeat said; of a remote worker nothing is known. */
  version?: string;
  host?: string;
  /** The longest that its event loop was late between the last two heartbeats. */
  loopMs?: number;
  memoryMb?: number;
}

/** Nothing is counted beyond this. */
const MOST = 10_000;
/** Queues of one page. */
const MOST_QUEUES = 1_000;
const PAGE = shape({ limit: whole(1, MOST_QUEUES), after: passes(checkQueueName) } satisfies Record<
  keyof QueuesPage,
  Rule
>);
const MOST_WAITING = 1_000;
/** Groups in a list; the next ones are seen when these are released. */
const MOST_GROUPS = 1_000;

/** Queues, their depth and who works them. */
export class Overview {
  constructor(private readonly storage: Storage) {}

  async queues(page: QueuesPage): Promise<QueueSummary[]> {
    refuse('queues', PAGE(page, 'page'));
    const { queues, health } = this.storage;
    const rows = await queues.list(MOST, { limit: MOST_QUEUES, ...page });
    const lanes = byQueue(
      await queues.lanes(
        MOST,
        rows.map(({ queue }) => queue),
      ),
    );
    const blocked = new Map((await health.blockedGroups()).map((groups) => [groups.queue, groups]));
    return rows.map((row) => summaryOf(row, lanes.get(row.queue) ?? [], blocked.get(row.queue)));
  }

  async stats(queue: string): Promise<QueueStats> {
    const { queues, lanes, health } = this.storage;
    const [row] = await queues.list(MOST, { queue });
    if (!row) throw await this.unknownQueue(queue);
    const blocked = (await health.blockedGroups()).find((groups) => groups.queue === queue);
    const summary = summaryOf(row, await queues.lanes(MOST, [queue]), blocked);
    const dead = await queues.deadLetters(await lanes.numbersOf({ queue }), MOST);
    return {
      ...summary,
      deadLettersByState: Object.fromEntries(dead.map(({ state, jobs }) => [state, jobs])),
    };
  }

  async totals(): Promise<Totals> {
    const { queues, paused, oldestQueue, oldestReadyMs, dead, ...places } =
      await this.storage.queues.places(MOST);
    const counts = Object.entries({ ...places, deadLetters: dead });
    return {
      queues: countOf(queues),
      paused,
      ...(Object.fromEntries(counts.map(([place, jobs]) => [place, countOf(jobs)])) as PlaceCounts),
      ...(oldestReadyMs === null ? {} : { oldestReadyMs }),
      ...(oldestQueue === null ? {} : { oldestQueue }),
    };
  }

  async blockedGroups(queue?: string): Promise<BlockedGroup[]> {
    const rows = await this.storage.groups.listBlocked(MOST_GROUPS, queue);
    return rows.map((row) => ({
      ...row,
      waiting: countOf(row.waiting, row.waiting, MOST_WAITING),
    }));
  }

  async workers(queue?: string): Promise<WorkerSummary[]> {
    const { queues, lanes } = this.storage;
    const own = queue === undefined ? undefined : await lanes.numbersOf({ queue });
    return (await queues.workers(own)).map(({ about, ...row }: WorkerRow) => ({
      ...row,
      ...about,
    }));
  }

  async pause(queue: string, paused: boolean): Promise<void> {
    if (!(await this.storage.queues.pause(queue, paused))) throw await this.unknownQueue(queue);
    this.storage.signals.send({ lanes: [], pauses: true });
  }

  async unknownQueue(queue: string): Promise<QueueError> {
    const closest = closestWord(queue, await this.storage.lanes.queueNames());
    const hint = closest
      ? `Did you mean "${closest}"?`
      : 'It is known once a job was enqueued or a worker has a handler for it.';
    return new QueueError('QUEUE_UNKNOWN', `There is no queue ${quote(queue)}. ${hint}`);
  }
}

/** Once for all of them: there may be as many queues as an application has tenants. */
function byQueue(lanes: ServedLane[]): Map<string, ServedLane[]> {
  const grouped = new Map<string, ServedLane[]>();
  for (const lane of lanes) {
    const own = grouped.get(lane.queue);
    if (own) own.push(lane);
    else grouped.set(lane.queue, [lane]);
  }
  return grouped;
}

function summaryOf(
  row: QueueRow,
  lanes: ServedLane[],
  blocked: BlockedGroups | undefined,
): QueueSummary {
  return {
    queue: row.queue,
    paused: row.pausedAt !== null,
    ...(row.pausedAt ? { pausedAt: row.pausedAt } : {}),
    lanes: lanes.map(({ name, labels, ready, workers }) => ({
      name,
      labels,
      ready: countOf(ready),
      workers,
    })),
    ready: countOf(row.ready),
    running: countOf(row.running, row.allRunning),
    scheduled: countOf(row.scheduled, row.allScheduled),
    blocked: countOf(row.blocked),
    staged: countOf(row.staged),
    suspects: countOf(row.suspects),
    deadLetters: countOf(row.dead),
    ...(blocked ? { blockedGroups: { groups: blocked.groups, since: blocked.since } } : {}),
    ...(row.oldestReadyMs === null ? {} : { oldestReadyMs: row.oldestReadyMs }),
    ...(row.nextRunAt ? { nextRunAt: row.nextRunAt } : {}),
  };
}

/** `all`: what was counted with it; where that was cut, this is a part of a part. */
function countOf(jobs: number, all = jobs, most = MOST): JobCount {
  return { jobs: Math.min(jobs, most), atLeast: all > most };
}
