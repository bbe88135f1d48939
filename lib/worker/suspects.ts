import type { Uuid7 } from '../runtime/uuid7.js';
import type { JobRepository } from '../storage/job.repository.js';
import type { ClaimedRow } from '../storage/row-mapper.js';
import type { Claims } from './claims.js';
import type { Dispatcher } from './dispatcher.js';
import { JobRun } from './job-run.js';
import type { Poller } from './poller.js';
import type { Settler } from './settler.js';
import type { WorkerLanes } from './worker-lanes.js';

export interface SuspectsParts {
  jobs: JobRepository;
  lanes: WorkerLanes;
  claims: Claims;
  dispatcher: Dispatcher;
  poller: Poller;
  settler: Settler;
  ids: Uuid7;
  /** undefined: none may be claimed now. */
  lease: () => string | undefined;
  /** The poller may claim again. */
  onResume: () => void;
}

/** A suspected once, with at most a tenth of the concurrency's worth of others; suspected twice, alone. */
const GROUP_SHARE = 10;
const ONCE = 1;
const TWICE = 2;

/** Lone suspects may have a fifth of the process's time, saved up to a minute; right after the start one second is free. */
const LONE_SHARE = 0.2;
const MAX_SAVED_MS = 60_000;
const FIRST_MS = 1_000;
/** How soon to look again for what there was no room or time for. */
const RETRY_MS = 200;
/** Between two groups: a crash may give back hundreds. */
const NEXT_GROUP_MS = 20;
/** A lone suspect waits for what runs to end; where that took longer than this, the next try saves up for twice as long a wait. */
const PATIENCE_MS = 50;

/**
 * Runs what a crash gave back, in shrinking groups. A crash gives back everything that was in flight and only one of it can be
 * guilty: what crashes again runs alone, and only a crash under a lone job counts against it.
 */
export class Suspects {
  private waiting = new Set<number>();
  private closed = false;
  private savedMs = FIRST_MS;
  private countedAt = performance.now();
  private patienceMs = PATIENCE_MS;
  private endOfLone: () => void = () => undefined;

  constructor(private readonly parts: SuspectsParts) {}

  /** What the scheduler saw; true when a round is worthwhile. */
  expect(suspicions: number[]): boolean {
    if (!this.closed) this.waiting = new Set(suspicions);
    return this.waiting.size > 0;
  }

  /** Twice-suspected jobs wait: their round has to come before everything else. */
  get expectsLone(): boolean {
    return this.waiting.has(TWICE);
  }

  /** No further suspect starts, and nothing else starts after the one that runs. */
  close(): void {
    this.closed = true;
    this.waiting.clear();
    this.endOfLone();
  }

  /** One round: lone ones as long as their time lasts, then a group beside everything else. */
  async round(): Promise<number> {
    try {
      if (this.waiting.has(TWICE)) await this.runLone();
    } finally {
      // Also where others took the lone ones that the start waited for.
      if (!this.closed && this.parts.poller.isPaused) this.resume();
    }
    if (this.waiting.has(ONCE)) await this.runGroup();
    if (this.waiting.size === 0) return Infinity;
    return this.waiting.has(ONCE) ? NEXT_GROUP_MS : RETRY_MS;
  }

  private async runGroup(): Promise<void> {
    const { lanes, dispatcher } = this.parts;
    const limit = Math.max(1, Math.floor(lanes.concurrency / GROUP_SHARE));
    const free = limit - dispatcher.runs().filter((run) => run.suspicion > 0).length - this.buffered;
    const room = Math.min(free, this.parts.claims.room);
    if (room <= 0) return;
    const runs = await this.claim(ONCE, room);
    if (runs.length < room) this.waiting.delete(ONCE);
    for (const run of runs) if (!this.endCancelled(run)) run.lane.add(run);
    dispatcher.startAll();
  }

  /** Nothing else runs in this process meanwhile; what was claimed ahead goes back to where others may take it. */
  private async runLone(): Promise<void> {
    const { poller, dispatcher } = this.parts;
    this.save();
    if (this.savedMs < this.patienceMs) return;
    poller.pause();
    dispatcher.halt();
    poller.giveBackWaiting('unstarted');
    const quiet = await this.spend(() => dispatcher.whenIdle(this.savedMs));
    this.patienceMs = quiet ? PATIENCE_MS : Math.min(2 * this.patienceMs, MAX_SAVED_MS);
    while (quiet && !this.closed && this.savedMs > 0 && (await this.spend(() => this.runNext())));
  }

  private resume(): void {
    this.parts.dispatcher.resume();
    this.parts.poller.resume();
    this.parts.onResume();
  }

  private async runNext(): Promise<boolean> {
    const [run] = await this.claim(TWICE, 1);
    if (!run) this.waiting.delete(TWICE);
    else if (!this.endCancelled(run)) await this.runAlone(run);
    return run !== undefined;
  }

  /**
   * Ends when the database knows how the run ended, not before: with its settle still under way, the next job to kill this process
   * would have an innocent beside it.
   */
  private runAlone(run: JobRun): Promise<void> {
    const settled = new Promise<void>((resolve) => (run.claim.onEnd = this.endOfLone = resolve));
    this.parts.dispatcher.runAlone(run);
    return settled;
  }

  private async claim(suspicion: 1 | 2, limit: number): Promise<JobRun[]> {
    const { jobs, lanes, claims, ids } = this.parts;
    const lease = this.parts.lease();
    if (!lease) return [];
    const id = ids.next();
    claims.expect(id, limit);
    try {
      const rows = await jobs.claimSuspects(id, lease, lanes.openIds(), { suspicion, limit });
      const claim = claims.arrived(id, rows.length);
      const runs = rows.map((row: ClaimedRow) => new JobRun(row, lanes.get(row.lane)!, claim));
      return this.closed || lease !== this.parts.lease() ? this.giveBack(runs) : runs;
    } catch (error) {
      claims.forget(id, error);
      throw error;
    }
  }

  /** Its cancel was requested while it was in flight elsewhere, or while the answer of its claim was lost: it must not start. */
  private endCancelled(run: JobRun): boolean {
    if (run.isCancelled) this.parts.settler.add(run, { kind: 'cancelled', reason: 'cancelled before it ran' });
    return run.isCancelled;
  }

  /** Closed meanwhile, or claimed under a lease that is lost: they must not start here. */
  private giveBack(runs: JobRun[]): [] {
    for (const run of runs) run.lane.add(run);
    this.parts.poller.giveBackWaiting('unstarted');
    return [];
  }

  private get buffered(): number {
    return this.parts.lanes.all().reduce((sum, lane) => sum + lane.bufferedSuspects, 0);
  }

  private save(): void {
    const now = performance.now();
    this.savedMs = Math.min(MAX_SAVED_MS, this.savedMs + (now - this.countedAt) * LONE_SHARE);
    this.countedAt = now;
  }

  private async spend<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.countedAt = performance.now();
      this.savedMs -= this.countedAt - startedAt;
    }
  }
}
