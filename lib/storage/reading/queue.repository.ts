import type { Failure } from '../../job/failure.js';
import type { JobState } from '../../job/job-state.js';
import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import type { About } from '../leases/lease.repository.js';
import { COUNT_PLACES } from './count-places.sql.js';
import { COUNT_DEAD_LETTERS } from './count-dead-letters.sql.js';
import { EXPLAIN_JOB } from './explain-job.sql.js';
import { EXPLAIN_LANELESS } from './explain-laneless.sql.js';
import { LIST_QUEUES } from './list-queues.sql.js';
import { LIST_SERVED_LANES } from '../lanes/list-served-lanes.sql.js';
import { LIST_WORKERS } from './list-workers.sql.js';
import { PAUSE_QUEUE } from '../operate/pause-queue.sql.js';

/** A queue and its depth; each number is one more than was asked for where there are more. */
export interface QueueRow {
  queue: string;
  pausedAt: Date | null;
  ready: number;
  running: number;
  scheduled: number;
  dead: number;
  /** With those that wait for an ordinary turn. */
  blocked: number;
  staged: number;
  /** Of `ready`. */
  suspects: number;
  nextRunAt: Date | null;
  oldestReadyMs: number | null;
  /** Over all queues: where these were cut, each queue's own number is a part of it. */
  allRunning: number;
  allScheduled: number;
}

/** Everything, by place. */
interface PlacesRow {
  queues: number;
  /** Names of 100 at most. */
  paused: string[];
  ready: number;
  running: number;
  scheduled: number;
  blocked: number;
  staged: number;
  suspects: number;
  dead: number;
  oldestQueue: string | null;
  oldestReadyMs: number | null;
}

/** One queue, or a page of them. */
interface QueuesWish {
  queue?: string;
  after?: string;
  limit?: number;
}

/** Lanes of one answer. */
const MOST_LANES = 10_000;

export interface ServedLane {
  queue: string;
  name: string;
  labels: string[];
  ready: number;
  workers: number;
}

/** A process that holds a lease. */
export interface WorkerRow {
  lease: string;
  worker: string;
  since: Date;
  expiresAt: Date;
  live: boolean;
  queues: string[];
  jobs: number;
  holds: string[];
  alone: boolean;
  about: About | null;
}

/** What there is to say about a job that does not run. The parts of a live job are null where it has ended. */
export interface Situation {
  state: JobState;
  queue: string;
  /** Null where somebody has deleted the row of its lane. */
  name: string | null;
  attempt: number;
  stalls: number;
  runAt: Date;
  cancelAt: Date | null;
  finishedAt: Date | null;
  /** Who ended it. */
  worker: string | null;
  lastError: Failure | null;
  suspicion: number | null;
  /** Its group takes turns with others. */
  fair: boolean | null;
  /** Of its lane. */
  labels: string[] | null;
  heldSince: Date | null;
  /** Who holds it, where that worker lives. */
  holder: string | null;
  pausedAt: Date | null;
  /** Live workers, and those of them that serve the job's lane. */
  workers: number;
  workersOfLane: number;
  /** That serve more lanes than they ask for at once, so that lanes take turns. */
  fullWorkers: number;
  /** Of them those whose slots are all taken, the oldest run first; one of a worker may be named more than once. */
  full: { worker: string; slots: number; oldestMs: number; id: string | null }[] | null;
  /** Ready jobs of its lane (of a fair queue: of its group there) that stand before it, counted up to one more than was asked for. */
  ahead: number;
}

/** The lane of a job that has no row any more, and its queue where that is known. */
export interface LanelessJob {
  lane: number;
  queue: number | null;
  name: string | null;
}

/** Queues as a whole: depth, pause, who works them, and why a job does not run. */
export class QueueRepository {
  constructor(private readonly database: Database) {}

  /** False: there is no such queue. */
  async pause(queue: string, paused: boolean): Promise<boolean> {
    return (await this.database.waiters.run(PAUSE_QUEUE, [queue, paused])).length === 1;
  }

  /** Queues by name, behind `after`, or one; counts go up to `most`, and say one more where there is more. */
  list(most: number, { queue, after, limit = 1 }: QueuesWish): Promise<QueueRow[]> {
    const values = [SHARD, queue ?? null, most, after ?? null, limit];
    return this.database.callers.run(LIST_QUEUES, values);
  }

  lanes(most: number, queues: string[]): Promise<ServedLane[]> {
    return this.database.callers.run(LIST_SERVED_LANES, [SHARD, queues, most, MOST_LANES]);
  }

  /** All places, each counted up to `most`, and one more where there is more. */
  async places(most: number): Promise<PlacesRow> {
    return (await this.database.callers.run<PlacesRow>(COUNT_PLACES, [SHARD, most]))[0]!;
  }

  deadLetters(lanes: number[], most: number): Promise<{ state: JobState; jobs: number }[]> {
    return this.database.callers.run(COUNT_DEAD_LETTERS, [SHARD, lanes, most]);
  }

  /** All, or those that serve one of these lanes. */
  workers(lanes?: number[]): Promise<WorkerRow[]> {
    return this.database.callers.run(LIST_WORKERS, [SHARD, lanes ?? null]);
  }

  async laneless(id: string): Promise<LanelessJob | undefined> {
    return (await this.database.callers.run<LanelessJob>(EXPLAIN_LANELESS, [SHARD, id]))[0];
  }

  async explain(id: string, mostAhead: number): Promise<Situation | undefined> {
    return (await this.database.callers.run<Situation>(EXPLAIN_JOB, [SHARD, id, mostAhead]))[0];
  }
}
